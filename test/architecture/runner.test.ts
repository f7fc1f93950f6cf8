// Shows that the test runner calls a failure a failure: a file that passes is the only one that does.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { KnownDurations } from "../known-durations.ts";
import { type FileResult, runTestFile } from "../run-file.ts";
import { eventually } from "../support/processes.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const head = 'import test, { describe } from "node:test";\n';

test("a file whose tests pass has passed, with the titles around each test", async (t) => {
  const { results } = await run(t, 'test("a", () => {});\ndescribe("b", () => test("c", () => {}));\n');
  const told = results.map(({ outcome, title }) => `${outcome} ${title}`);
  assert.deepEqual(told, ["passed a", "passed b › c"]);
});

test("a test that throws has failed, with its error and place", async (t) => {
  const { results } = await run(t, 'test("a", () => {});\ntest("b", () => {\n  throw new Error("why");\n});\n');
  const failed = results.filter((result) => result.outcome === "failed");
  assert.equal(failed.length, 1);
  assert.match(failed[0]!.error, /why/);
  assert.equal(failed[0]!.place, "3:1");
});

test("a suite that breaks outside of its tests has failed", async (t) => {
  const { results } = await run(t, 'describe("a", () => {\n  throw new Error("why");\n});\n');
  assert.deepEqual(outcomes(results), ["failed"]);
});

test("a skipped test is neither passed nor failed", async (t) => {
  const { results } = await run(t, 'test("a", { skip: "why" }, () => {});\n');
  assert.deepEqual(outcomes(results), ["skipped"]);
});

test("a file that cannot be loaded has failed, and what it printed is kept", async (t) => {
  const { results, output } = await run(t, 'import "./gone.ts";\n');
  assert.deepEqual(outcomes(results), ["failed"]);
  assert.match(output, /gone\.ts/);
});

test("a file without a test has failed", async (t) => {
  const { results } = await run(t, "");
  assert.deepEqual(outcomes(results), ["failed"]);
});

test("a file that ends with a bad status after its tests passed has failed", async (t) => {
  const { results } = await run(t, 'test("a", () => {});\nprocess.on("exit", () => process.exit(3));\n');
  assert.deepEqual(outcomes(results), ["passed", "failed"]);
  assert.match(results[1]!.error, /status 3/);
});

test("a test that does not end is named", async (t) => {
  const { results } = await run(
    t,
    `test("quick", () => {});\ntest("stuck", () => new Promise(() => setInterval(() => {}, 1000)));\n`,
    1500,
  );
  assert.deepEqual(outcomes(results), ["passed", "failed"]);
  assert.match(results[1]!.error, /longer than 1\.5 s.*not ended: stuck \(3:1\)/);
});

test("a file that does not end is ended with all it started, and has failed", async (t) => {
  const { results, output } = await run(
    t,
    `import { spawn } from "node:child_process";
test("a", () => {
  const child = spawn("sleep", ["600"], { stdio: "inherit" });
  console.log("started " + child.pid);
});
`,
    2000,
  );
  assert.deepEqual(outcomes(results), ["passed", "failed"]);
  const pid = Number(/started (\d+)/.exec(output)?.[1]);
  assert.ok(pid > 0, output);
  await eventually("the process that the file started is gone", () => hasEnded(pid));
});

test("the longest files run first, those that never ran before them, and a damaged record changes nothing", (t) => {
  const path = join(temporaryDirectory(t, "durations"), "deep", "durations.json");
  const queue = [{ file: "short" }, { file: "long" }, { file: "new" }];
  const durations = new KnownDurations(path);
  assert.deepEqual(durations.longestFirst(queue), queue);
  durations.note("short", 1);
  durations.note("long", 2);
  durations.save();
  assert.deepEqual(new KnownDurations(path).longestFirst(queue), [queue[2], queue[1], queue[0]]);
  writeFileSync(path, "{");
  assert.deepEqual(new KnownDurations(path).longestFirst(queue), queue);
});

async function run(t: TestContext, body: string, timeoutMs = 20_000): Promise<FileResult> {
  const file = join(temporaryDirectory(t, "runner"), "fixture.test.ts");
  writeFileSync(file, `${head}${body}`);
  return await runTestFile(file, timeoutMs);
}

function outcomes(results: FileResult["results"]): string[] {
  return results.map((result) => result.outcome);
}

/** A zombie has ended too: only nobody has asked for its status yet. */
function hasEnded(pid: number): boolean {
  try {
    return / Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return true;
  }
}
