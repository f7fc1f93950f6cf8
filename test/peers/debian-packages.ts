// Real programs that come ready made out of Debian packages: fetched by apt-get, which checks signatures, and unpacked into
// the cache without being installed, so that nobody needs to be root.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { withBuildLock } from "./build-lock.ts";
import { peerCacheFolder } from "./recipes.ts";

/** Names of packages, and of the programs in them that are wanted. */
const packages: Readonly<Record<string, readonly string[]>> = { prometheus: ["prometheus", "promtool"] };

export function isDebianPackage(name: string): boolean {
  return Object.hasOwn(packages, name);
}

/** The path of one program of a package, in the cache or, where all of them are there, on the PATH. */
export function findDebianProgram(name: string, program: string): string | undefined {
  const folders = [join(packageFolder(name), "usr", "bin"), ...(process.env.PATH ?? "").split(delimiter)];
  const holder = folders.find((folder) => packages[name]?.every((one) => existsSync(join(folder, one))));
  return holder === undefined ? undefined : join(holder, program);
}

/** @throws Error that says what is missing: apt-get, dpkg-deb, or the package itself. */
export async function ensureDebianPackage(name: string, signal?: AbortSignal): Promise<void> {
  const target = packageFolder(name);
  const [program = ""] = packages[name] ?? [];
  if (findDebianProgram(name, program) !== undefined) return;
  await withBuildLock(
    dirname(target),
    async () => {
      if (!existsSync(target)) await fetchPackage(name, target, signal);
    },
    signal,
  );
}

/** The folder appears when it is whole. */
async function fetchPackage(name: string, target: string, signal: AbortSignal | undefined): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const work = await mkdtemp(`${target}.part-`);
  const run = async (program: string, ...args: string[]): Promise<void> => {
    await promisify(execFile)(program, args, { cwd: work, ...(signal === undefined ? {} : { signal }) });
  };
  try {
    await run("apt-get", "download", name).catch(() => downloadWithOwnLists(run, name, work));
    const file = (await readdir(work)).find((entry) => entry.endsWith(".deb"));
    await run("dpkg-deb", "-x", file ?? `${name}.deb`, "unpacked");
    await rename(join(work, "unpacked"), target);
  } catch (cause) {
    signal?.throwIfAborted();
    throw new Error(`${explain(name, cause)}; install ${packages[name]?.join(" and ")} yourself, on the PATH`, {
      cause,
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The machine's lists of packages may be empty, as in container images, and belong to root. */
async function downloadWithOwnLists(
  run: (program: string, ...args: string[]) => Promise<void>,
  name: string,
  work: string,
): Promise<void> {
  const options = ["-o", `Dir::State::Lists=${join(work, "lists")}`, "-o", `Dir::Cache=${join(work, "cache")}`];
  for (const folder of ["lists/partial", "cache/archives/partial"])
    await mkdir(join(work, folder), { recursive: true });
  await run("apt-get", ...options, "update");
  await run("apt-get", ...options, "download", name);
}

function explain(name: string, cause: unknown): string {
  const { code, path, stderr } = cause as { code?: unknown; path?: string; stderr?: string };
  if (code === "ENOENT") return `the Debian package ${name} cannot be had: there is no ${path ?? "apt-get"} here`;
  return `the Debian package ${name} cannot be had: ${(stderr ?? String(cause)).trim()}`;
}

function packageFolder(name: string): string {
  return join(peerCacheFolder(), `debian-${name}-${process.arch}`);
}
