import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { gunzipSync } from "node:zlib";
import { createLogger } from "../../../../../src/platform/logger.ts";
import { createRunLog } from "../../../../../src/server/run-log/create-run-log.ts";
import type { RunLog } from "../../../../../src/server/run-log/run-log.ts";
import { temporaryDirectory } from "../../../../support/temporary-directory.ts";

interface Opened {
  readonly run: RunLog;
  readonly scratchDirectory: string;
  /** The process's own log. */
  readonly lines: string[];
}

async function open(t: TestContext): Promise<Opened> {
  const lines: string[] = [];
  const scratchDirectory = join(temporaryDirectory(t), "new", "scratch");
  const run = await createRunLog({
    scratchDirectory,
    log: createLogger({ level: "debug", format: "text", write: (line) => lines.push(line) }),
    redact: (text) => text.replaceAll("hunter2", "[redacted]"),
    facts: { backup: "velero/daily" },
  });
  return { run, scratchDirectory, lines };
}

async function textOf(run: RunLog): Promise<string> {
  return gunzipSync(readFileSync(await run.file())).toString("utf8");
}

describe("a RunLog", () => {
  it("writes lines as Velero does, and the serious ones into the log of the process too", async (t) => {
    const { run, lines } = await open(t);
    run.log.info("Backing up item", { resource: "pods", name: "a" });
    run.log.child({ namespace: "app" }).warn("slow");
    const [first = "", second = ""] = (await textOf(run)).split("\n");
    assert.match(first, /^time="[^"]+Z" level=info msg="Backing up item" backup=velero\/daily resource=pods name=a$/);
    assert.match(second, /level=warning msg="slow" backup=velero\/daily namespace=app$/);
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? "", /level=warning msg="slow" backup=velero\/daily namespace=app\n$/);
  });

  it("can be read at any time, and goes on", async (t) => {
    const { run } = await open(t);
    assert.equal((await textOf(run)).length, 0);
    run.log.info("first");
    assert.equal((await textOf(run)).split("\n").length, 2);
    for (let number = 0; number < 3000; number++) run.log.debug(`line ${number}`);
    const lines = (await textOf(run)).trimEnd().split("\n");
    assert.equal(lines.length, 3001);
    assert.match(lines.at(-1) ?? "", /line 2999/);
  });

  it("is on the disk before it is asked for: what waits in memory is bounded", async (t) => {
    const { run, scratchDirectory } = await open(t);
    for (let number = 0; number < 2000; number++) run.log.info("x".repeat(100));
    const [name = ""] = readdirSync(scratchDirectory);
    const written = gunzipSync(readFileSync(join(scratchDirectory, name))).length;
    assert.ok(written > 200_000, `${written} bytes`);
    assert.equal(statSync(join(scratchDirectory, name)).mode & 0o777, 0o600);
  });

  it("counts warnings and errors, keeps them by where they belong, and writes them as lines", async (t) => {
    const { run } = await open(t);
    assert.deepEqual(run.results, { warnings: {}, errors: {} });
    run.warning("velero", "w1");
    run.warning({ namespace: "app" }, "w2");
    run.warning({ namespace: "app" }, "w3");
    run.error("cluster", "e1");
    run.error({ namespace: "__proto__" }, "e2");
    assert.deepEqual([run.warningCount, run.errorCount], [3, 2]);
    assert.equal(
      JSON.stringify(run.results),
      '{"warnings":{"velero":["w1"],"namespaces":{"app":["w2","w3"]}},"errors":{"cluster":["e1"],"namespaces":{"__proto__":["e2"]}}}',
    );
    assert.match(await textOf(run), /level=warning msg="w2" backup=velero\/daily namespace=app\n/);
    assert.match(await textOf(run), /level=error msg="e1" backup=velero\/daily place=cluster\n/);
  });

  it("keeps the first thousand warnings, and says how many there are more", async (t) => {
    const { run } = await open(t);
    for (let number = 0; number < 1500; number++) run.warning({ namespace: `ns-${number % 2}` }, "x".repeat(5000));
    const { velero, namespaces } = run.results.warnings;
    assert.equal(run.warningCount, 1500);
    assert.deepEqual(velero, ["500 more warnings are only in the log"]);
    assert.deepEqual(
      Object.values(namespaces ?? {}).map((list) => list.length),
      [500, 500],
    );
    assert.equal(namespaces?.["ns-0"]?.[0]?.length, 4096);
  });

  it("lets no secret through: not in lines, facts or results", async (t) => {
    const { run, lines } = await open(t);
    run.log.info("the password is hunter2");
    run.error("velero", "failed with hunter2");
    run.log.info("facts", { url: "https://x?token=hunter2" });
    assert.doesNotMatch(await textOf(run), /hunter2/);
    assert.deepEqual(run.results.errors, { velero: ["failed with [redacted]"] });
    assert.equal(lines.length, 1, "the process's log has its own redaction");
  });

  it("says when its file cannot be written, once it is asked for, and disturbs nobody before", async (t) => {
    const { run, scratchDirectory, lines } = await open(t);
    rmSync(scratchDirectory, { recursive: true });
    for (let number = 0; number < 2000; number++) run.log.info("x".repeat(100));
    await assert.rejects(run.file(), /log could not be written .*ENOENT/);
    assert.equal(lines.length, 1, "and says so once in the log of the process");
  });

  it("leaves nothing behind", async (t) => {
    const { run } = await open(t);
    run.log.info("line");
    const path = await run.file();
    await run.discard();
    await run.discard();
    assert.equal(existsSync(path), false);
  });
});
