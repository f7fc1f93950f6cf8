// The image cannot be built without a container engine, so its recipe is followed by hand: what it copies is there, what
// it runs in the build stage works on those files alone, and the links it makes start the right role. The image of the
// tests on a real node is made by the same hand, which refuses what it cannot follow.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import test from "node:test";
import {
  copiedFromTree,
  copyProductionPackages,
  followBuildStage,
  followRuntimeStage,
  productionPackages,
  readDockerfile,
  repositoryRoot as root,
  textsOf,
} from "../support/dockerfile.ts";
import { runProcess } from "../support/processes.ts";
import { makeTemporaryDirectory, removeDirectory } from "../support/temporary-directory.ts";

const read = (path: string): string => readFileSync(join(root, path), "utf8");
const dockerfile = readDockerfile();
const { build: buildStage, runtime: runtimeStage } = dockerfile;
const folder = makeTemporaryDirectory("image");
process.on("exit", () => removeDirectory(folder));

test("the Dockerfile has two stages on the Node version of package.json, the second a slim one", () => {
  const { node } = (JSON.parse(read("package.json")) as { devDependencies: Record<string, string> }).devDependencies;
  assert.deepEqual(textsOf(buildStage, "FROM"), [`node:${node}-bookworm AS build`]);
  assert.deepEqual(textsOf(runtimeStage, "FROM"), [`node:${node}-bookworm-slim`]);
});

test("what the Dockerfile copies is in the tree and passes .dockerignore", () => {
  const passing = read(".dockerignore")
    .split("\n")
    .filter((line) => line.startsWith("!"));
  for (const path of [...copiedFromTree(buildStage), ...copiedFromTree(runtimeStage)]) {
    assert.ok(existsSync(join(root, path)), `${path} is not in the tree`);
    assert.ok(passing.includes(`!${path.replace(/^\.\//, "")}`), `.dockerignore keeps ${path} out`);
  }
});

test("the runtime stage installs nothing and ends without root", () => {
  const commands = textsOf(runtimeStage, "RUN").join(" ");
  assert.doesNotMatch(commands, /apt-get|npm (ci|install)|curl|wget/);
  const [user = ""] = textsOf(runtimeStage, "USER");
  assert.match(user, /^[1-9]\d*:[1-9]\d*$/);
});

test("the build stage needs nothing but what it copies, and its links start the program under Velero's names", async () => {
  const [buildFolder, image] = [join(folder, "build"), join(folder, "root")];
  mkdirSync(buildFolder);
  await followBuildStage(dockerfile, buildFolder);
  const copyModules = (target: string): void => symlinkSync(join(root, "node_modules"), target);
  const settings = followRuntimeStage(dockerfile, { buildFolder, root: image, copyModules });
  assert.deepEqual(settings.environment, ["NODE_ENV=production"]);
  assert.deepEqual(settings.entrypoint, ["/usr/local/bin/stowage"]);
  const start = async (name: string, args: readonly string[]): Promise<string> => {
    // Links are absolute, as in the image; here they lead into its folder.
    const link = join(image, name);
    const target = readlinkSync(link);
    if (!target.startsWith(image)) {
      unlinkSync(link);
      symlinkSync(join(image, target), link);
    }
    const { stdout, stderr } = await runProcess(link, { args });
    return stdout + stderr;
  };
  assert.match(await start("/usr/local/bin/stowage", ["--help"]), /Usage: stowage/);
  assert.match(await start("/velero", ["node-agent", "server", "--help"]), /node-agent|agent/);
  assert.match(await start("/velero-restore-helper", ["--help"]), /restore-helper/);
});

test("what is followed by hand is what the Dockerfile says: anything else in it is refused", async () => {
  const change = (from: string, to: string): ReturnType<typeof readDockerfile> => {
    assert.ok(read("Dockerfile").includes(from), from);
    return readDockerfile(read("Dockerfile").replace(from, to));
  };
  await assert.rejects(followBuildStage(change("--omit=dev", "--omit=optional"), folder), /runs what is not followed/);
  const options = { buildFolder: join(folder, "build"), root: join(folder, "none"), copyModules: () => {} };
  const withCommand = change("RUN ln -s", "RUN apt-get update && ln -s");
  assert.throws(() => followRuntimeStage(withCommand, options), /runs what is not followed: apt-get update/);
  assert.throws(
    () => followRuntimeStage(change("USER 65532", "VOLUME /x\nUSER 65532"), options),
    /VOLUME is not followed/,
  );
  assert.throws(() => change("FROM node:24.21.0-bookworm-slim", "FROM a\nFROM b"), /3 stages/);
});

test("the image's packages are those of the lockfile that are not for development alone", () => {
  const names = productionPackages();
  for (const wanted of ["pino", "koffi", "zstd-napi", "sodium-native"])
    assert.ok(names.includes(`node_modules/${wanted}`));
  for (const unwanted of ["node", "typescript", "knip"])
    assert.ok(!names.includes(`node_modules/${unwanted}`), unwanted);
});

test("packages are trimmed of what no program reads, not of licenses", () => {
  const modules = join(folder, "node_modules");
  const files = ["pkg/index.js", "pkg/index.d.ts", "pkg/index.js.map", "pkg/LICENSE", "pkg/README.md", "pkg/x.h"];
  const prebuilt = [`linux-${process.arch}`, "darwin-arm64"].map((name) => `pkg/prebuilds/${name}/pkg.node`);
  for (const file of [...files, ...prebuilt]) {
    mkdirSync(dirname(join(modules, file)), { recursive: true });
    writeFileSync(join(modules, file), "");
  }
  execFileSync(process.execPath, [join(root, ".ci", "trim-modules.mjs"), modules]);
  assert.deepEqual(
    globSync("**/*.*", { cwd: modules })
      .concat(globSync("**/LICENSE", { cwd: modules }))
      .sort(),
    ["pkg/LICENSE", "pkg/index.js", prebuilt[0]],
  );
});

test("every package that the program imports loads from the packages as they are in the image", async () => {
  const place = join(folder, "packages");
  copyProductionPackages(join(place, "node_modules"));
  const sources = globSync("{src,agent,repo-format}/**/*.ts", { cwd: root }).map(read).join("\n");
  const named = [...sources.matchAll(/(?:from |import\(|require\()"([@a-z][^":]*)"/g)].map(([, name = ""]) => name);
  assert.ok(named.includes("koffi") && named.includes("@kubernetes/client-node"), named.join());
  const script = `for (const name of ${JSON.stringify([...new Set(named)])}) await import(name);`;
  const args = ["--input-type=module", "-e", script];
  const { code, stderr } = await runProcess(process.execPath, { args, cwd: place });
  assert.equal(code, 0, stderr);
});
