// Builds one real program with the Go toolchain into the cache, or says why it cannot be built. What is there already
// is not built again; a program appears under its final name only when it is whole.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { withBuildLock } from "./build-lock.ts";
import { cachedProgram, moduleFolder, type PeerRecipe } from "./recipes.ts";

export interface BuildProgress {
  readonly name: string;
  readonly packagesBuilt: number;
  /** All packages of the program; those in Go's own cache are skipped, so a build may end before it gets there. */
  readonly packagesTotal: number;
  readonly elapsedSeconds: number;
  /** Set while modules are still being fetched: the module. */
  readonly downloading: string | undefined;
}

export interface BuildOptions {
  readonly onProgress?: (progress: BuildProgress) => void;
  readonly signal?: AbortSignal;
}

const oldestGo = [1, 25, 8] as const;

/** The program of a user's own kubebuilder assets, else the one in the cache, else undefined. */
export function findPeer(recipe: PeerRecipe): string | undefined {
  const assets = process.env.KUBEBUILDER_ASSETS ?? "";
  const candidates = [
    ...(recipe.inKubebuilderAssets && assets !== "" ? [join(assets, recipe.name)] : []),
    cachedProgram(recipe),
  ];
  return candidates.find((path) => existsSync(path));
}

/**
 * @returns the path of the program, built now if it was not there.
 * @throws Error with what to install when Go is missing or too old, or with the compiler's last words.
 */
export async function ensurePeer(recipe: PeerRecipe, options: BuildOptions = {}): Promise<string> {
  const present = findPeer(recipe);
  if (present !== undefined) return present;
  const target = cachedProgram(recipe);
  return await withBuildLock(
    dirname(target),
    async () => {
      // Another process may have built it while this one waited.
      if (existsSync(target)) return target;
      await checkGo(recipe);
      await mkdir(dirname(target), { recursive: true });
      const temporary = `${target}.${process.pid}.part`;
      const source = `${target}.${process.pid}.source`;
      try {
        const folder = recipe.ownModule === undefined ? moduleFolder(recipe) : await copyModule(recipe, source);
        await goBuild(recipe, { folder, output: temporary }, options);
        await rename(temporary, target);
      } finally {
        await rm(temporary, { force: true });
        await rm(source, { recursive: true, force: true });
      }
      return target;
    },
    options.signal,
  );
}

async function checkGo(recipe: PeerRecipe): Promise<void> {
  const wanted = oldestGo.join(".");
  let version: string;
  try {
    // Asked inside the module, so that a toolchain that may switch itself to a newer one has done so.
    const answer = await promisify(execFile)("go", ["env", "GOVERSION"], { cwd: moduleFolder(recipe) });
    version = answer.stdout.trim();
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    const problem = missing ? "no `go` is on the PATH" : String((cause as { stderr?: unknown }).stderr ?? cause).trim();
    throw new Error(`${recipe.name} is built with Go ${wanted} or newer, but ${problem}`, { cause });
  }
  const numbers = version
    .replace(/^go/, "")
    .split(/[.a-z]/)
    .map(Number);
  const difference = oldestGo.map((least, at) => (numbers[at] ?? 0) - least).find((value) => value !== 0) ?? 0;
  if (difference < 0)
    throw new Error(`${recipe.name} is built with Go ${wanted} or newer, but this machine has ${version}`);
}

/** The module's files, with our main package among its commands. */
async function copyModule(recipe: PeerRecipe, target: string): Promise<string> {
  const { path = "", version = "", overlay } = recipe.ownModule ?? {};
  const wrapper = moduleFolder(recipe);
  const answer = await promisify(execFile)("go", ["mod", "download", "-json", `${path}@${version}`], { cwd: wrapper });
  const { Dir: folder } = JSON.parse(answer.stdout) as { Dir: string };
  await cp(folder, target, { recursive: true, force: true });
  // Files of Go's module cache are read-only, and folders too.
  await promisify(execFile)("chmod", ["-R", "u+w", target]);
  if (overlay !== undefined) await cp(join(wrapper, overlay), join(target, "cmd", recipe.name), { recursive: true });
  return target;
}

interface BuildPlace {
  /** Where go runs: the folder of the main module. */
  readonly folder: string;
  readonly output: string;
}

async function goBuild(recipe: PeerRecipe, place: BuildPlace, options: BuildOptions): Promise<void> {
  const startedAt = performance.now();
  const stamps = Object.entries(recipe.stamps).map(([variable, value]) => ` -X ${variable}=${value}`);
  const tags = (recipe.tags ?? []).join(",");
  const flags = ["-v", "-trimpath", "-mod=readonly", `-tags=${tags}`, `-ldflags=-s${stamps.join("")}`];
  let packagesBuilt = 0;
  let packagesTotal = 0;
  const lastWords: string[] = [];
  const report = (downloading?: string): void => {
    const elapsedSeconds = (performance.now() - startedAt) / 1000;
    options.onProgress?.({ name: recipe.name, packagesBuilt, packagesTotal, elapsedSeconds, downloading });
  };
  const onWord = (line: string): void => {
    const downloading = /^go: downloading (.*)/.exec(line)?.[1];
    if (downloading === undefined) lastWords.push(line);
    // With -v the compiler prints the import path of each package that it begins, and nothing else unless it fails.
    if (downloading === undefined && !/[\s:]/.test(line)) packagesBuilt += 1;
    report(downloading);
  };
  report();
  packagesTotal = (
    await runGo(place.folder, ["list", "-mod=readonly", `-tags=${tags}`, "-deps", recipe.mainPackage], onWord, options)
  ).length;
  packagesBuilt = 0;
  lastWords.length = 0;
  const words = ["build", ...flags, "-o", place.output, recipe.mainPackage];
  await runGo(place.folder, words, onWord, options).catch((cause: Error) => {
    throw new Error(`building ${recipe.name} failed: ${cause.message}\n${lastWords.slice(-15).join("\n")}`, { cause });
  });
}

/** Runs go in the main module; resolves to the lines of its standard output. */
async function runGo(
  folder: string,
  args: readonly string[],
  onWord: (line: string) => void,
  { signal }: BuildOptions,
): Promise<string[]> {
  signal?.throwIfAborted();
  const child = spawn("go", args, {
    cwd: folder,
    env: { ...process.env, CGO_ENABLED: "0" },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  // go starts compilers of its own: they are one process group, ended together.
  const end = (): void => killGroup(child);
  signal?.addEventListener("abort", end);
  process.once("exit", end);
  try {
    const lines: string[] = [];
    createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
    createInterface({ input: child.stderr }).on("line", onWord);
    const { promise, resolve, reject } = Promise.withResolvers<number | null>();
    child.once("error", reject).once("close", resolve);
    const code = await promise;
    signal?.throwIfAborted();
    if (code !== 0) throw new Error(`go ${args[0]} ended with status ${code}`);
    return lines;
  } finally {
    signal?.removeEventListener("abort", end);
    process.removeListener("exit", end);
  }
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // Gone between the check and the call.
  }
}
