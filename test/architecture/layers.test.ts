// Shows that every rule of .ci/layers.mjs finds its breach, and that a parser which sees nothing does not pass.
import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import test, { type TestContext } from "node:test";
import { checkLayers } from "../../.ci/check-layers.ts";
import layers from "../../.ci/layers.mjs";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { breaches, type SourceTree, soundTree } from "./layer-breaches.ts";

const root = join(import.meta.dirname, "..", "..");

test("a sound tree breaks no rule, and every file of it is looked at", async (t) => {
  const found = await checkLayers(writeTree(t, soundTree));
  assert.deepEqual(found.breaches, []);
  assert.deepEqual(found.unseen, []);
  assert.equal(found.fileCount, Object.keys(soundTree).length);
});

for (const { name } of layers.forbidden) {
  test(`rule ${name} finds its breach`, async (t) => {
    const tree = breaches[name];
    assert.ok(tree !== undefined, "test/architecture/layer-breaches.ts has no breach of this rule");
    const found = await checkLayers(writeTree(t, tree));
    const rules = found.breaches.map((breach) => breach.rule);
    assert.ok(rules.includes(name), `found only: ${rules.join(", ")}`);
    assert.ok(found.breaches.every((breach) => breach.reason !== ""));
  });
}

test("the table of breaches names no rule that is gone", () => {
  const names = new Set(layers.forbidden.map((rule) => rule.name));
  assert.deepEqual(
    Object.keys(breaches).filter((name) => !names.has(name)),
    [],
  );
});

test("the compiler is one that dependency-cruiser can use", async () => {
  // With TypeScript 7 it sees no file at all, says "no dependency violations" and ends with 0.
  const { default: typescript } = await import("typescript");
  assert.ok(Number(typescript.version.split(".")[0]) < 7, `TypeScript ${typescript.version} blinds the layer rules`);
});

test("in this repository every source file is looked at", async () => {
  const found = await checkLayers(root);
  assert.deepEqual(found.unseen, []);
  assert.ok(found.fileCount > 200, `only ${found.fileCount} files`);
});

function writeTree(t: TestContext, tree: SourceTree): string {
  const folder = temporaryDirectory(t, "layers");
  const manifest = { type: "module", dependencies: {}, devDependencies: { "fast-check": "*" } };
  for (const [path, content] of Object.entries({ ...tree, "package.json": JSON.stringify(manifest) })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  return folder;
}
