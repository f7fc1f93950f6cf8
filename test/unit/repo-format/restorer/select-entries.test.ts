import assert from "node:assert/strict";
import { test } from "node:test";
import { selectAttributes, selectEntries } from "../../../../repo-format/restorer/select-entries.ts";

test("without patterns everything is selected", () => {
  assert.deepEqual(selectEntries({})("/a", true), { isSelected: true, childMayBeSelected: true });
  assert.equal(selectAttributes({}), undefined);
});

test("includes select what matches, and enter directories that may hold it", () => {
  const select = selectEntries({ includes: ["/a/*.txt"], insensitiveIncludes: ["README"] });
  assert.deepEqual(select("/a", true), { isSelected: false, childMayBeSelected: true });
  assert.deepEqual(select("/a/x.txt", false), { isSelected: true, childMayBeSelected: false });
  assert.deepEqual(select("/b/readme", false), { isSelected: true, childMayBeSelected: false });
  assert.deepEqual(select("/b/other", false), { isSelected: false, childMayBeSelected: false });
});

test("includes that are all empty select nothing, excludes that are empty leave out nothing", () => {
  for (const options of [{ includes: [""] }, { insensitiveIncludes: ["", ""] }])
    assert.deepEqual(selectEntries(options)("/a", true), { isSelected: false, childMayBeSelected: false });
  assert.equal(selectEntries({ includes: ["", "a"] })("/a", true).isSelected, true);
  assert.equal(selectEntries({ excludes: [""] })("/a", true).isSelected, true);
  assert.equal(selectAttributes({ includeAttributes: [""] })?.("user.a"), false);
});

test("an excluded directory is not entered", () => {
  const select = selectEntries({ excludes: ["cache"], insensitiveExcludes: ["*.TMP"] });
  assert.deepEqual(select("/x/cache", true), { isSelected: false, childMayBeSelected: false });
  assert.deepEqual(select("/x/a.tmp", false), { isSelected: false, childMayBeSelected: false });
  assert.deepEqual(select("/x", true), { isSelected: true, childMayBeSelected: true });
});

test("excludes win over includes", () => {
  const select = selectEntries({ includes: ["*.txt"], excludes: ["secret*"] });
  assert.equal(select("/a.txt", false).isSelected, true);
  assert.equal(select("/secret.txt", false).isSelected, false);
});

test("attributes are selected by patterns on their names", () => {
  const include = selectAttributes({ includeAttributes: ["user.*"], excludeAttributes: ["*.tmp"] });
  assert.equal(include?.("user.a"), true);
  assert.equal(include?.("user.tmp"), false);
  assert.equal(include?.("security.capability"), false);
});

test("a malformed pattern is refused", () => {
  assert.throws(() => selectEntries({ includes: ["["] }), { code: "pattern-malformed" });
});
