// The image cannot be built without a container engine, so its recipe is followed by hand: what it copies is there, what
// it runs in the build stage works on those files alone, and the links it makes start the right role.
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, readFileSync, realpathSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import test from "node:test";
import { runProcess } from "../support/processes.ts";
import { makeTemporaryDirectory, removeDirectory } from "../support/temporary-directory.ts";

const root = join(import.meta.dirname, "..", "..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");

interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** Instructions of each stage, continued lines joined. */
const stages: readonly (readonly Instruction[])[] = read("Dockerfile")
  .replaceAll(/^#.*\n/gm, "")
  .replaceAll(/\\\n\s*/g, " ")
  .split(/^(?=FROM )/m)
  .filter((stage) => stage.startsWith("FROM "))
  .map((stage) =>
    stage
      .trim()
      .split("\n")
      .filter(Boolean)
      .map((line) => ({ name: line.slice(0, line.indexOf(" ")), text: line.slice(line.indexOf(" ") + 1).trim() })),
  );
const [buildStage = [], runtimeStage = []] = stages;
const image = makeTemporaryDirectory("image");
process.on("exit", () => removeDirectory(image));

function instructions(stage: readonly Instruction[], name: string): string[] {
  return stage.filter((instruction) => instruction.name === name).map((instruction) => instruction.text);
}

function copiedFromContext(stage: readonly Instruction[]): string[] {
  const copies = instructions(stage, "COPY").filter((text) => !text.startsWith("--from="));
  return copies.flatMap((text) => text.split(/\s+/).slice(0, -1));
}

test("the Dockerfile has two stages on the Node version of package.json, the second a slim one", () => {
  const { node } = (JSON.parse(read("package.json")) as { devDependencies: Record<string, string> }).devDependencies;
  assert.equal(stages.length, 2);
  assert.deepEqual(instructions(buildStage, "FROM"), [`node:${node}-bookworm AS build`]);
  assert.deepEqual(instructions(runtimeStage, "FROM"), [`node:${node}-bookworm-slim`]);
});

test("what the Dockerfile copies is in the tree and passes .dockerignore", () => {
  const passing = read(".dockerignore")
    .split("\n")
    .filter((line) => line.startsWith("!"));
  for (const path of [...copiedFromContext(buildStage), ...copiedFromContext(runtimeStage)]) {
    assert.ok(existsSync(join(root, path)), `${path} is not in the tree`);
    assert.ok(passing.includes(`!${path.replace(/^\.\//, "")}`), `.dockerignore keeps ${path} out`);
  }
});

test("the runtime stage installs nothing and ends without root", () => {
  const commands = instructions(runtimeStage, "RUN").join(" ");
  assert.doesNotMatch(commands, /apt-get|npm (ci|install)|curl|wget/);
  const [user = ""] = instructions(runtimeStage, "USER");
  assert.match(user, /^[1-9]\d*:[1-9]\d*$/);
});

test("the build stage needs nothing but what it copies, and its links start the program under Velero's names", async () => {
  const build = join(image, "build");
  for (const path of copiedFromContext(buildStage)) cpSync(join(root, path), join(build, path), { recursive: true });
  // What `npm ci` makes of the copied lockfile.
  symlinkSync(join(root, "node_modules"), join(build, "node_modules"));
  const { code, stdout, stderr } = await runProcess("npm", { args: ["run", "build"], cwd: build });
  assert.equal(code, 0, `${stdout}${stderr}`);
  const stowage = join(image, "opt", "stowage");
  for (const text of instructions(runtimeStage, "COPY").filter((line) => line.startsWith("--from=build"))) {
    const [, source = "", target = ""] = text.split(/\s+/);
    mkdirSync(dirname(join(image, target)), { recursive: true });
    cpSync(realpathSync(join(image, source)), join(image, target), {
      recursive: true,
      filter: (path) => !/node_modules./.test(path),
    });
  }
  removeDirectory(join(stowage, "node_modules"));
  symlinkSync(join(root, "node_modules"), join(stowage, "node_modules"));
  const links = [
    ...instructions(runtimeStage, "RUN")
      .join(" ")
      .matchAll(/ln -s (\S+) (\S+)/g),
  ];
  const names = links.map(([, , name]) => name);
  assert.deepEqual(names, ["/usr/local/bin/stowage", "/velero", "/velero-restore-helper"]);
  for (const [, target = "", name = ""] of links) {
    mkdirSync(dirname(join(image, name)), { recursive: true });
    symlinkSync(join(image, target), join(image, name));
  }
  const start = async (name: string, args: readonly string[]): Promise<string> => {
    const { stdout, stderr } = await runProcess(join(image, name), { args });
    return stdout + stderr;
  };
  assert.match(await start("/usr/local/bin/stowage", ["--help"]), /Usage: stowage/);
  assert.match(await start("/velero", ["node-agent", "server", "--help"]), /node-agent|agent/);
  assert.match(await start("/velero-restore-helper", ["--help"]), /restore-helper/);
});
