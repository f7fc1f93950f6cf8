// The pages say what the program says: the generated parts of the reference, every annotation and label, and links that lead
// somewhere.
import assert from "node:assert/strict";
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import test from "node:test";
import { renderReference } from "../../.ci/write-reference.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const root = join(import.meta.dirname, "..", "..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");

test("docs/reference.md says what the program says (npm run reference writes it anew)", () => {
  assert.equal(read("docs/reference.md"), renderReference(read("docs/reference.md")));
});

test("a part of the reference that is out of date is written anew, and one that nobody can tell is refused", () => {
  const page = "before\n<!-- from: reasons -->\nold\n<!-- end -->\nafter\n";
  const rendered = renderReference(page);
  assert.match(rendered, /^before\n<!-- from: reasons -->\n\n\| reason \|.*`Damaged`.*\n\n<!-- end -->\nafter\n$/s);
  assert.equal(renderReference(rendered), rendered);
  assert.throws(() => renderReference("<!-- from: nothing -->\n<!-- end -->"), /"nothing"/);
});

/** Domains of annotations and labels that are neither ours nor Velero's are left to their owners. */
const ownName = /"((?:[a-z.-]+\.)?(?:velero\.io|stowage\.dev)\/[a-z][a-z-]*)"/g;

/** A provider, names of plugins, and what Velero leaves on objects and a Restore takes away. */
const otherNames = new Set([
  "stowage.dev/local",
  "velero.io/aws",
  "velero.io/data-upload-name",
  "velero.io/volume-snapshot-name",
  "velero.io/change-pvc-node-selector",
]);

test("every annotation, label and label of a ConfigMap in the code is in the reference", () => {
  const reference = read("docs/reference.md");
  const files = globSync("{agent,src}/**/*.ts", { cwd: root });
  const names = new Set(files.flatMap((file) => [...read(file).matchAll(ownName)].map(([, name = ""]) => name)));
  assert.ok(names.size > 30, `${names.size} names`);
  assert.deepEqual(
    [...names].filter((name) => !otherNames.has(name) && !/\/v\d/.test(name) && !reference.includes(name)).sort(),
    [],
  );
});

test("every link in the pages leads to a file, and to a heading where it names one", () => {
  assert.deepEqual(brokenLinks(root), []);
});

test("a link to a file or a heading that is not there is found", (t) => {
  const tree = temporaryDirectory(t, "links");
  mkdirSync(join(tree, "docs"));
  writeFileSync(join(tree, "README.md"), "[a](docs/page.md#two-words) [b](docs/gone.md) [c](https://example.com)\n");
  writeFileSync(join(tree, "docs", "page.md"), "# Two words?\n[up](../README.md) [here](#nowhere)\n");
  assert.deepEqual(brokenLinks(tree), ["README.md: docs/gone.md", "docs/page.md: #nowhere"]);
});

function brokenLinks(tree: string): string[] {
  const pages = globSync(["*.md", "{docs,manifests,agent,src,repo-format,test,bench}/**/*.md"], { cwd: tree }).sort();
  return pages.flatMap((page) => {
    const text = readFileSync(join(tree, page), "utf8");
    // Links may be broken over two lines; code is no place for them.
    const links = [...text.replaceAll(/```.*?```/gs, "").matchAll(/\]\(\s*([^)\s]+)\s*\)/g)].map(([, to = ""]) => to);
    const isBroken = (link: string): boolean => !/^https?:/.test(link) && !leadsSomewhere(tree, page, link);
    return links.filter(isBroken).map((link) => `${page}: ${link}`);
  });
}

function leadsSomewhere(tree: string, page: string, link: string): boolean {
  const [path = "", heading] = link.split("#");
  const target = path === "" ? join(tree, page) : join(tree, dirname(page), path);
  if (relative(tree, target).startsWith("..") || !existsSync(target)) return false;
  return heading === undefined || anchorsOf(readFileSync(target, "utf8")).includes(heading);
}

/** As GitHub makes them of headings. */
function anchorsOf(page: string): string[] {
  const headings = [...page.replaceAll(/```.*?```/gs, "").matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => heading);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(/\s/g, "-"),
  );
}
