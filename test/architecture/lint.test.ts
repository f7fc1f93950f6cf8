// Shows that each lint rule that the design leans on finds its breach, and only where it should.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import test, { type TestContext } from "node:test";
import { runProcess } from "../support/processes.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const root = join(import.meta.dirname, "..", "..");

interface LintCase {
  readonly rule: string;
  /** What the linter prints; default the rule. */
  readonly message?: string;
  readonly content: string;
  /** A place where the rule holds. */
  readonly forbidden: string;
  /** A place where the same content is right; without it there is none. */
  readonly allowed?: string;
}

const lines = (count: number, line: string): string => `${line}\n`.repeat(count);
const longFunction = `export function long(values: number[]): void {\n${lines(61, "  values.push(1);")}}\n`;
const useClock = "Take the time from an argument";

const cases: readonly LintCase[] = [
  {
    rule: "noExcessiveLinesPerFunction",
    content: longFunction,
    forbidden: "src/server/long.ts",
    allowed: "test/support/long.ts",
  },
  {
    rule: "noExcessiveLinesPerFile",
    content: Array.from({ length: 401 }, (_, at) => `export const value${at} = ${at};\n`).join(""),
    forbidden: "repo-format/format/long.ts",
    allowed: "test/support/long.ts",
  },
  {
    rule: "useMaxParams",
    content:
      "export function many(a: number, b: number, c: number, d: number, e: number): number[] {\n  return [a, b, c, d, e];\n}\n",
    forbidden: "agent/many.ts",
  },
  { rule: "useFilenamingConvention", content: "export const a = 1;\n", forbidden: "src/api/camelCase.ts" },
  {
    rule: "noProcessEnv",
    content: "export const home = process.env;\n",
    forbidden: "repo-format/storage/home.ts",
    allowed: "agent/agent-config.ts",
  },
  {
    rule: "noDefaultExport",
    content: "export default function unnamed(): void {}\n",
    forbidden: "src/kube/client.ts",
  },
  {
    rule: "noConsole",
    content: 'export function print(): void {\n  console.log("x");\n}\n',
    forbidden: "src/server/print.ts",
    allowed: "src/cli/output/print.ts",
  },
  {
    rule: "Date.now()",
    message: useClock,
    content: "export const started = Date.now();\n",
    forbidden: "agent/data-path/started.ts",
    allowed: "src/platform/clock.ts",
  },
  {
    rule: "new Date()",
    message: useClock,
    content: "export const started = new Date();\n",
    forbidden: "repo-format/repository/started.ts",
    allowed: "test/support/started.ts",
  },
  {
    rule: "noBarrelFile",
    content: 'export { a } from "./a.ts";\n',
    forbidden: "src/api/index.ts",
    allowed: "repo-format/index.ts",
  },
  {
    rule: "noProcessExit",
    content: "export function end(): void {\n  process.exit(1);\n}\n",
    forbidden: "src/server/end.ts",
    allowed: "src/server/main.ts",
  },
  {
    rule: "noFloatingPromises",
    content: "export async function work(): Promise<void> {}\nwork();\n",
    forbidden: "src/server/work.ts",
  },
  {
    rule: "noImportCycles",
    content: 'import { a } from "./self.ts";\n\nexport const b = a;\n',
    forbidden: "src/server/cycle.ts",
  },
  {
    rule: "noExplicitAny",
    content: "export function f(value: any): void {\n  f(value);\n}\n",
    forbidden: "src/api/f.ts",
  },
  { rule: "noUnusedVariables", content: "export const a = 1;\nconst unused = 2;\n", forbidden: "src/api/f.ts" },
  { rule: "format", message: "Formatter would have printed", content: "export const a=1\n", forbidden: "src/api/f.ts" },
];

for (const { rule, message = rule, content, forbidden, allowed } of cases) {
  test(`${rule} is found in ${forbidden}${allowed === undefined ? "" : ` and allowed in ${allowed}`}`, async (t) => {
    const inWrongPlace = await lint(t, forbidden, content);
    assert.notEqual(inWrongPlace.code, 0);
    assert.ok(inWrongPlace.text.includes(message), inWrongPlace.text);
    if (allowed === undefined) return;
    const inRightPlace = await lint(t, allowed, content);
    assert.ok(!inRightPlace.text.includes(message), inRightPlace.text);
  });
}

test("a sound file passes", async (t) => {
  const { code, text } = await lint(t, "src/api/sound.ts", "export const sound: number = 1;\n");
  assert.equal(code, 0, text);
});

async function lint(t: TestContext, path: string, content: string): Promise<{ code: number | null; text: string }> {
  const folder = temporaryDirectory(t, "lint");
  cpSync(join(root, ".ci"), join(folder, ".ci"), { recursive: true });
  const files = {
    [path]: content,
    // What the cases import.
    [join(dirname(path), "a.ts")]: "export const a: number = 1;\n",
    [join(dirname(path), "self.ts")]: 'import { b } from "./cycle.ts";\n\nexport const a: number = b;\n',
  };
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  const { code, stdout, stderr } = await runProcess(join(root, "node_modules", ".bin", "biome"), {
    args: ["check", "--config-path=.ci/lint-and-format.json", "--error-on-warnings", path],
    cwd: folder,
  });
  return { code, text: `${stdout}${stderr}` };
}
