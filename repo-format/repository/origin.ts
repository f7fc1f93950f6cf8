// Whether a repository is ours alone: one of our servers made it, and no trace of another program is found in it. The
// former is told by a sealed file of ours, `stowage/origin/<id>`, which no other program reads or writes.
import { RepositoryError } from "../errors.ts";
import type { Id } from "../format/id.ts";
import { jsonObject } from "../format/stored-json.ts";
import { formatTime } from "../format/time.ts";
import { listLocks, storeTimeMs } from "./lock-files.ts";
import { isOurVersion, ourProgram } from "./our-program.ts";
import type { Repository } from "./repository.ts";
import { hasAny } from "./unpacked-files.ts";

/**
 * Notes that our server made the repository, unless that is noted or something was stored in it before: a repository that
 * nobody has used is as good as a new one, so a server that died between making and noting can note it later.
 * @returns true when it is noted.
 */
export async function recordOrigin(repo: Repository, signal?: AbortSignal): Promise<boolean> {
  if (await hasAny(repo.storage, "origin", signal)) return true;
  if (await hasAny(repo.storage, "snapshot", signal)) return false;
  if (await hasAny(repo.storage, "index", signal)) return false;
  const json = jsonObject([
    ["time", formatTime(BigInt(storeTimeMs(repo)) * 1_000_000n)],
    ["program", `${ourProgram} server`],
  ]);
  await repo.saveUnpacked("origin", Buffer.from(json, "utf8"), signal);
  return true;
}

/**
 * Why the repository is not ours alone; undefined when it is.
 * @throws what reading snapshots and locks throws
 */
export async function findForeignTrace(repo: Repository, signal?: AbortSignal): Promise<string | undefined> {
  if (!(await isOfOurServer(repo, signal))) return "it was not made by a Stowage server";
  const { locks, unreadable } = await listLocks(repo, signal);
  const foreign = locks.find(({ lock }) => lock.extra?.program !== ourProgram);
  if (foreign !== undefined)
    return `another program holds a lock: process ${foreign.lock.pid} on ${foreign.lock.hostname}`;
  const [bad] = unreadable;
  if (bad !== undefined) return `the lock ${bad.id.slice(0, 8)} cannot be read`;
  for await (const { id, snapshot } of repo.snapshots(signal)) {
    if (isOurVersion(snapshot.programVersion)) continue;
    return `the snapshot ${id.slice(0, 8)} was made by ${snapshot.programVersion || "another program"}`;
  }
  return undefined;
}

/** Opened, so that a file of another repository proves nothing. */
async function isOfOurServer(repo: Repository, signal: AbortSignal | undefined): Promise<boolean> {
  const ids: Id[] = [];
  for await (const { id } of repo.list("origin", signal)) ids.push(id);
  const [first] = ids;
  if (first === undefined) return false;
  try {
    await repo.loadUnpacked("origin", first, signal);
    return true;
  } catch (error) {
    if (RepositoryError.is(error, "file-damaged")) return false;
    throw error;
  }
}
