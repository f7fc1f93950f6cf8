// A command that is cut short leaves no lock, a sound repository and a word on what to do next; running it again finishes.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, truncateSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { openRepository, openStorage } from "../../repo-format/index.ts";
import { makeCheapRepository } from "../support/cheap-repository.ts";
import { compareTrees } from "../support/compare-trees.ts";
import { type ProcessEnd, startProcess } from "../support/processes.ts";
import { resticMust } from "../support/restic.ts";
import { repositoryEnvironment, stowage, stowageMust, stowageWords } from "../support/stowage-cli.ts";
import { makeTemporaryDirectory, removeDirectory } from "../support/temporary-directory.ts";

const folder = makeTemporaryDirectory("cli-interruption");
const repository = join(folder, "repository");
const source = join(folder, "source");
const files = 12;
const fileBytes: number = 8 * 1024 * 1024;

before(async () => {
  await makeCheapRepository(repository);
  mkdirSync(source);
  for (let index = 0; index < files; index++) writeFileSync(join(source, `file-${index}`), randomBytes(fileBytes));
});
after(() => removeDirectory(folder));

interface Interrupted extends ProcessEnd {
  readonly output: string;
}

/** Runs a command and sends a signal as soon as its output has a certain word. */
async function interrupt(args: readonly string[], word: string, signal: NodeJS.Signals): Promise<Interrupted> {
  let output = "";
  let isSent = false;
  const running = await startProcess(process.execPath, {
    args: stowageWords(args),
    env: repositoryEnvironment({ repository, env: { RESTIC_PROGRESS_FPS: "60", STOWAGE_RETRY_LOCK: "0" } }),
    onOutput: (text) => {
      output += text;
      if (isSent || !output.includes(word)) return;
      isSent = true;
      running.signal(signal);
    },
  });
  const end = await running.ended;
  assert.equal(isSent, true, `"${word}" was never said: ${output}`);
  return { ...end, output };
}

const locks = (): string[] => readdirSync(join(repository, "locks"));

async function assertSound(): Promise<void> {
  assert.deepEqual(locks(), []);
  await resticMust(["check", "--read-data"], { repository });
}

describe("Ctrl-C", () => {
  it("in a backup: 130, no lock, and the next run makes the snapshot", async () => {
    const { code, output } = await interrupt(
      // Slowly, so that it does not come to its end before the signal.
      ["backup", source, "--json", "--compression", "max", "--read-concurrency", "1"],
      '"bytes_done"',
      "SIGINT",
    );
    assert.equal(code, 130);
    const lines = output.trim().split("\n");
    const last = JSON.parse(lines.at(-1) ?? "") as Record<string, unknown>;
    assert.deepEqual([last.message_type, last.code], ["exit_error", 130]);
    assert.match(String(last.message), /no snapshot was made.*run the same command again/s);
    assert.deepEqual(readdirSync(join(repository, "snapshots")), []);
    await assertSound();
    await stowageMust(["backup", source], { repository });
    await assertSound();
  });

  it("SIGTERM in a restore: 130, and the next run finishes what is missing", async () => {
    const target = join(folder, "target");
    const args = ["restore", `latest:${source}`, "--target", target];
    const { code, output } = await interrupt(args, "files", "SIGTERM");
    assert.equal(code, 130);
    assert.match(output, /SIGTERM: cleaning up; a second one ends at once/);
    assert.match(output, /the target is incomplete; run the same command again/);
    assert.deepEqual(locks(), []);
    await stowageMust(args, { repository });
    assert.deepEqual(compareTrees(source, target, { root: false }), []);
  });

  it("in a check: 130, and nothing has changed", async () => {
    const { code, output } = await interrupt(["check", "--read-data"], "packs read", "SIGINT");
    assert.equal(code, 130);
    assert.match(output, /nothing was changed/);
    assert.deepEqual(locks(), []);
  });

  it("in a prune: 130, nothing that is needed is gone, and the next run finishes", async () => {
    for (let index = 0; index < files; index += 2) truncateSync(join(source, `file-${index}`), fileBytes / 2);
    await stowageMust(["backup", source], { repository });
    await stowageMust(["forget", "--keep-last", "1"], { repository });
    const { code, output } = await interrupt(["prune", "--max-unused", "0"], "packs repacked", "SIGINT");
    assert.equal(code, 130);
    assert.match(output, /nothing that a snapshot needs was removed/);
    await assertSound();
    const { stdout } = await stowageMust(["prune", "--max-unused", "0"], { repository });
    assert.match(stdout, /unused then: 0 B/);
    await assertSound();
  });
});

describe("a reader that goes away", () => {
  before(async () => {
    mkdirSync(join(source, "many"));
    for (let index = 0; index < 3000; index++)
      writeFileSync(join(source, "many", `file-with-a-long-name-${index}`), "");
    await stowageMust(["backup", source], { repository });
  });

  it("ends a listing quietly, as SIGPIPE would, without its lock", async () => {
    const args = [process.execPath, ...stowageWords(["ls", "latest", "--long"])];
    const command = `"$@" | head -n 2; echo "\${PIPESTATUS[0]}"`;
    const running = await startProcess("bash", {
      args: ["-c", command, "bash", ...args],
      env: repositoryEnvironment({ repository }),
    });
    await running.ended;
    const lines = running.output().trim().split("\n");
    assert.equal(lines.length, 3, running.output());
    assert.equal(lines[2], "141");
    assert.deepEqual(locks(), []);
  });

  it("does not keep a backup from being finished", async () => {
    const args = [process.execPath, ...stowageWords(["backup", source, "--json", "-vv", "--tag", "unread"])];
    const running = await startProcess("bash", {
      args: ["-c", `"$@" | head -n 1 >/dev/null; exit "\${PIPESTATUS[0]}"`, "bash", ...args],
      env: repositoryEnvironment({ repository }),
    });
    assert.equal((await running.ended).code, 0, running.output());
    const { messages } = await stowageMust(["snapshots", "--tag", "unread", "--json"], { repository });
    assert.equal(messages.length, 1);
  });
});

describe("a lock that was left behind", () => {
  /** As a process of this host that was killed would leave it. */
  async function leaveLock(): Promise<void> {
    const storage = await openStorage(repository);
    const identity = { hostname: hostname(), username: "ann", pid: 4_194_303, uid: 0, gid: 0 };
    const repo = await openRepository({ storage, password: "password", identity });
    const lock = { time: "2026-11-21T09:00:00Z", exclusive: true, ...identity };
    await repo.saveUnpacked("lock", Buffer.from(JSON.stringify({ ...lock, time: new Date().toISOString() })));
    await repo.close();
  }

  it("is told at once, with its owner and what removes it, while others wait and when they give up", async () => {
    await leaveLock();
    const { code, stderr } = await stowage(["snapshots", "--retry-lock", "1s"], { repository });
    assert.equal(code, 11);
    const [first = "", ...rest] = stderr.split("\n");
    assert.match(
      first,
      /^waiting \(at most 0:01, --retry-lock\): .*exclusively by process 4194303 of ann on .*its owner is gone/,
    );
    assert.match(rest.join("\n"), /^Fatal: .*`stowage repo unlock`/);
    const json = await stowage(["snapshots", "--json"], { repository });
    assert.deepEqual([json.code, json.errors[0]?.message_type, json.errors[0]?.code], [11, "exit_error", 11]);
    assert.equal((await stowage(["snapshots", "--no-lock"], { repository })).code, 0);
    const { stdout } = await stowageMust(["unlock"], { repository });
    assert.equal(stdout, "successfully removed 1 lock\n");
    assert.equal((await stowage(["snapshots"], { repository })).code, 0);
  });
});
