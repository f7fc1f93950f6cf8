// The built program: compiled JavaScript that runs without the sources, threads and native parts included; and what an
// old Node says to it.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { compareTrees } from "../support/compare-trees.ts";
import { type ProcessResult, runProcess } from "../support/processes.ts";
import { repositoryEnvironment } from "../support/stowage-cli.ts";
import { makeTemporaryDirectory, removeDirectory } from "../support/temporary-directory.ts";

const root = join(import.meta.dirname, "..", "..");
// As an installed package: dist beside package.json and node_modules.
const folder = makeTemporaryDirectory("cli-build");
const program = join(folder, "dist", "src", "main.js");

before(() => {
  const compiler = createRequire(import.meta.url).resolve("typescript/bin/tsc");
  const project = ["-p", join(root, ".ci", "build.json"), "--rootDir", root, "--outDir", join(folder, "dist")];
  const { status, stdout } = spawnSync(process.execPath, [compiler, ...project], { encoding: "utf8" });
  assert.equal(status, 0, stdout);
  copyFileSync(join(root, "package.json"), join(folder, "package.json"));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
});
after(() => removeDirectory(folder));

function run(...args: string[]): Promise<ProcessResult> {
  const env = { ...repositoryEnvironment({ repository: join(folder, "repository") }), STOWAGE_RETRY_LOCK: "0" };
  return runProcess(process.execPath, { args: [program, ...args], env });
}

describe("npm run build", () => {
  it("makes a program that stores and restores through its threads", async () => {
    const source = join(folder, "source");
    mkdirSync(source);
    writeFileSync(join(source, "small"), "content");
    writeFileSync(join(source, "large"), Buffer.alloc(12 * 1024 * 1024, "not only zeros "));
    const target = join(folder, "target");
    for (const words of [
      ["init"],
      ["backup", source],
      ["check", "--read-data"],
      ["restore", `latest:${source}`, "--target", target],
    ]) {
      const { code, stderr } = await run("repo", ...words);
      assert.equal(code, 0, `${words.join(" ")}: ${stderr}`);
    }
    assert.deepEqual(compareTrees(source, target, { root: false }), []);
  });

  it("knows its version", async () => {
    assert.match((await run("version")).stdout, /^stowage \d+\.\d+\.\d+ on Node 24/);
    assert.equal((await run("--version")).stdout, (await run("version")).stdout);
  });

  it("explains itself, and refuses an unknown command", async () => {
    assert.match((await run("--help")).stdout, /repo +work on a repository/);
    const { code, stderr } = await run("frobnicate");
    assert.equal(code, 1);
    assert.match(stderr, /unknown command "frobnicate"/);
  });

  it("says one clear line on a Node that is too old", async () => {
    const pretended = join(folder, "old.mjs");
    writeFileSync(pretended, `Object.defineProperty(process.versions, "node", { value: "20.19.0" });\n`);
    const result = await runProcess(process.execPath, { args: ["--import", pretended, program, "repo", "snapshots"] });
    assert.equal(result.code, 1);
    assert.match(result.stderr, /^stowage needs Node 24 or newer, and this is v[^\n]*node_modules\/\.bin\/node\n$/);
  });

  it("says so on this machine's own Node, where that is an older one", async (t) => {
    const { stdout } = await runProcess("bash", {
      args: ["-c", 'for n in $(type -ap node); do "$n" --version | grep -q "^v2[0-3]" && echo "$n" && break; done'],
    });
    const old = stdout.trim();
    if (old === "") return t.skip("there is no older Node on this machine");
    const { code, stderr } = await runProcess(old, { args: [program, "version"] });
    assert.equal(code, 1);
    assert.match(stderr, /^stowage needs Node 24 or newer, and this is v2[0-3][^\n]*\n$/);
  });
});
