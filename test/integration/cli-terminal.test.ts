// What a person sees on a terminal: a live line with percent, rate and remaining time, and a password that is not shown.
// A pseudo-terminal comes from util-linux's script(1).
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { makeCheapRepository } from "../support/cheap-repository.ts";
import { repositoryEnvironment, stowageMust, stowageWords } from "../support/stowage-cli.ts";
import { makeTemporaryDirectory, removeDirectory } from "../support/temporary-directory.ts";

const folder = makeTemporaryDirectory("cli-terminal");
const repository = join(folder, "repository");
const source = join(folder, "source");
const hasScript = spawnSync("script", ["--version"]).status === 0;
const skip = hasScript ? false : "script(1) is not installed";

before(async () => {
  await makeCheapRepository(repository);
  mkdirSync(source);
  for (let index = 0; index < 6; index++) writeFileSync(join(source, `file-${index}`), randomBytes(6 * 1024 * 1024));
});
after(() => removeDirectory(folder));

/** Runs a command on a terminal of 80 columns and types the answers, each when its question has come. */
async function onTerminal(
  args: readonly string[],
  options: { password?: string | null; answers?: readonly string[] } = {},
): Promise<{ code: number | null; screen: string }> {
  const { password = "password", answers = [] } = options;
  const words = [process.execPath, ...stowageWords(args)].map((word) => `'${word}'`).join(" ");
  const env = { ...repositoryEnvironment({ repository, password }), RESTIC_PROGRESS_FPS: undefined };
  const child = spawn("script", ["-qec", `stty cols 80; ${words}`, "/dev/null"], {
    env: { ...process.env, ...env, STOWAGE_RETRY_LOCK: "0" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let screen = "";
  let answered = 0;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    screen += text;
    if (screen.split(question).length - 1 <= answered || answered >= answers.length) return;
    child.stdin.write(`${answers[answered++]}\r`);
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, screen };
}

const question = "enter the password of the repository: ";

describe("on a terminal", () => {
  it("a backup shows percent, files, bytes, rate and the file at hand, and clears them", { skip }, async () => {
    const { code, screen } = await onTerminal(["backup", source, "--compression", "max"]);
    assert.equal(code, 0, screen);
    assert.match(screen, /\[0:\d\d\] {2}\d+\.\d\d% {2}\d \/ 6 files {2}.* \/ 36\.000 MiB/);
    assert.match(screen, /iB\/s/);
    assert.match(screen, new RegExp(`\\n${source}/file-\\d`));
    const last = screen.slice(screen.lastIndexOf("\x1b[J") + 3);
    assert.match(last, /^\r?\nFiles: +6 new/);
  });

  it("a restore and a check show how far they are", { skip }, async () => {
    const { screen } = await onTerminal(["restore", "latest", "--target", join(folder, "target")]);
    assert.match(screen, /\d+\.\d\d% {2}\d+ \/ \d+ files/);
    const check = await onTerminal(["check", "--read-data"]);
    assert.match(check.screen, /\d+\.\d\d% {2}packs read: \d+ \/ \d+/);
  });

  it("on a pipe there is nothing of the kind", async () => {
    const { stdout } = await stowageMust(["backup", source, "--force"], {
      repository,
      env: { RESTIC_PROGRESS_FPS: undefined },
    });
    assert.equal(/%/.test(stdout) || stdout.includes("\x1b"), false, stdout);
  });

  it("a password is asked for without being shown, three times at most", { skip }, async () => {
    const right = await onTerminal(["list", "keys"], { password: null, answers: ["wrong", "passx\bword"] });
    assert.equal(right.code, 0, right.screen);
    assert.match(right.screen, /wrong password .*; try again/);
    assert.doesNotMatch(right.screen, /passx/);
  });
});
