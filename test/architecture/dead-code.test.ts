// Shows that the search for dead code, with this repository's settings, finds each kind of it.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import test, { type TestContext } from "node:test";
import { type ProcessResult, runProcess } from "../support/processes.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const root = join(import.meta.dirname, "..", "..");
const { bin, knip, type } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Record<string, unknown>;

// By its output folder knip finds the source of the executable.
const tsconfig = readFileSync(join(root, "tsconfig.json"), "utf8");

const sound = {
  "src/main.ts": 'import { used } from "./api/used.ts";\n\nused();\n',
  "src/api/used.ts": "export function used(): void {}\n",
};

test("a tree in which everything is used passes", async (t) => {
  const { code, stdout } = await searchDeadCode(t, sound);
  assert.equal(code, 0, stdout);
});

test("a file that nobody imports is found", async (t) => {
  await assertFound(t, { "src/api/left-over.ts": "export const a = 1;\n" }, /Unused files.*left-over\.ts/s);
});

test("an export that nobody imports is found", async (t) => {
  const more = { "src/api/used.ts": `${sound["src/api/used.ts"]}export const leftOver = 1;\n` };
  await assertFound(t, more, /Unused exports.*leftOver/s);
});

test("an exported type that nobody uses is found", async (t) => {
  const more = { "src/api/used.ts": `${sound["src/api/used.ts"]}export interface LeftOver {}\n` };
  await assertFound(t, more, /Unused exported types.*LeftOver/s);
});

test("a dependency that nobody imports is found", async (t) => {
  await assertFound(t, {}, /Unused dependencies.*pino/s, { pino: "*" });
});

test("a package that is imported but not declared is found", async (t) => {
  const more = { "src/main.ts": `import "pino";\n${sound["src/main.ts"]}` };
  await assertFound(t, more, /Unlisted dependencies.*pino/s);
});

type Files = Readonly<Record<string, string>>;

async function assertFound(t: TestContext, more: Files, expected: RegExp, dependencies: Files = {}): Promise<void> {
  const { code, stdout } = await searchDeadCode(t, { ...sound, ...more }, dependencies);
  assert.notEqual(code, 0);
  assert.match(stdout, expected);
}

async function searchDeadCode(t: TestContext, files: Files, dependencies: Files = {}): Promise<ProcessResult> {
  const folder = temporaryDirectory(t, "dead-code");
  const manifest = JSON.stringify({ name: "fixture", type, bin, dependencies, knip });
  for (const [path, content] of Object.entries({ ...files, "package.json": manifest, "tsconfig.json": tsconfig })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return await runProcess(join(root, "node_modules", ".bin", "knip"), {
    args: ["--no-config-hints", "--directory", folder],
    cwd: folder,
  });
}
