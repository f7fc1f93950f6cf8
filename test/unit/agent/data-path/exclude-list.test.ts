import assert from "node:assert/strict";
import { test } from "node:test";
import { parseExcludeList } from "../../../../agent/data-path/exclude-list.ts";
import { RepositoryError } from "../../../../repo-format/errors.ts";

test("patterns stand one a line or separated by commas, without the blanks around them", () => {
  assert.deepEqual(parseExcludeList("*.tmp, /cache ,node_modules"), ["*.tmp", "/cache", "node_modules"]);
  assert.deepEqual(parseExcludeList("*.tmp\r\n\n  /cache\n"), ["*.tmp", "/cache"]);
  assert.deepEqual(parseExcludeList(" , \n"), []);
});

test("a line that begins with # says nothing, and ! takes back", () => {
  assert.deepEqual(parseExcludeList("# caches, all of them\n/cache\n!/cache/keep"), ["/cache", "!/cache/keep"]);
});

test("a comma with a backslash belongs to the pattern, which matches a name with a comma", () => {
  assert.deepEqual(parseExcludeList("a\\,b,c\\\\,d"), ["a\\,b", "c\\\\", "d"]);
});

test("a pattern that cannot be understood is named", () => {
  for (const text of ["*.tmp,[a-", "good\nbad\\"])
    assert.throws(
      () => parseExcludeList(text),
      (error) => RepositoryError.is(error, "pattern-malformed") && /"(\[a-|bad\\\\)"/.test(error.message),
      text,
    );
});
