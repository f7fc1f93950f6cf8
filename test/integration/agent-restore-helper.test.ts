// The restore-helper as a process: its arguments, its exit status, and its work as a user who owns nothing.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { writeDoneMarker, writeFailedMarker } from "../../agent/data-path/done-marker.ts";

const main = join(import.meta.dirname, "..", "..", "src", "main.ts");

interface HelperRun {
  readonly program?: string;
  readonly user?: number;
}

function run(args: readonly string[], { program = main, user }: HelperRun = {}) {
  const words = program === main ? ["restore-helper", ...args] : args;
  const identity = user === undefined ? {} : { uid: user, gid: user };
  const child = spawn(process.execPath, [program, ...words], { stdio: ["ignore", "pipe", "pipe"], ...identity });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
  const ended = new Promise<{ code: number | null; output: string }>((resolve, reject) => {
    child.once("error", reject).once("close", (code) => resolve({ code, output }));
  });
  return { child, ended };
}

function restores(t: TestContext, volumes: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "stowage-restores-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o755);
  for (const volume of volumes) mkdirSync(join(folder, volume));
  return folder;
}

test("anything but exactly one argument ends with 1 and says so", async () => {
  for (const args of [[], ["a", "b"], ["a/b"]]) {
    const { code, output } = await run(args).ended;
    assert.equal(code, 1);
    assert.match(output, /exactly one argument/);
  }
});

test("under the name velero-restore-helper it needs no other word", async (t) => {
  const folder = restores(t, ["data"]);
  const link = join(folder, "velero-restore-helper");
  symlinkSync(main, link);
  writeDoneMarker(join(folder, "data"), "uid");
  const { code, output } = await run(["uid", "--restores-dir", folder], { program: link }).ended;
  assert.equal(code, 0, output);
});

test("SIGTERM ends it", async (t) => {
  const folder = restores(t, ["data"]);
  const { child, ended } = run(["uid", "--restores-dir", folder]);
  child.stdout.once("data", () => child.kill("SIGTERM"));
  assert.equal((await ended).code, 1);
});

const isRoot = process.getuid?.() === 0;

test("as uid 1000 it sees the agent's marker in a foreign volume, cannot remove it, and ends with 0 all the same", {
  skip: !isRoot,
}, async (t) => {
  const folder = restores(t, ["data"]);
  writeDoneMarker(join(folder, "data"), "uid");
  const { code, output } = await run(["uid", "--restores-dir", folder], { user: 1000 }).ended;
  if (/EACCES.*main\.ts|Cannot find module/.test(output)) return t.skip("the checkout is not readable for other users");
  assert.equal(code, 0, output);
  assert.ok(existsSync(join(folder, "data", ".velero", "uid")));
});

test("as uid 1000 it reads the reason of a failure and leaves it in the termination log", {
  skip: !isRoot,
}, async (t) => {
  const folder = restores(t, ["data"]);
  writeFailedMarker(join(folder, "data"), "uid", "pack 12 is gone");
  const log = join(folder, "termination-log");
  writeFileSync(log, "");
  chmodSync(log, 0o666);
  const { code, output } = await run(["uid", "--restores-dir", folder, "--termination-log", log], { user: 1000 }).ended;
  if (/EACCES.*main\.ts|Cannot find module/.test(output)) return t.skip("the checkout is not readable for other users");
  assert.equal(code, 1, output);
  assert.equal(readFileSync(log, "utf8"), "restore failed: volume data: pack 12 is gone");
});
