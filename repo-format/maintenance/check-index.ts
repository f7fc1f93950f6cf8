// First part of a check: can every index file be read, and do the files agree about the packs?

import { RepositoryError, throwIfCancelled } from "../errors.ts";
import type { IndexId, PackId } from "../format/id.ts";
import { IndexFileEntries } from "../index/index-file-entries.ts";
import { boundedParallel } from "../repository/bounded-parallel.ts";
import type { Repository } from "../repository/repository.ts";
import type { FindingLog } from "./check-findings.ts";
import { hashOfPack, MetPacks } from "./index-pack-hash.ts";

interface ReadIndex {
  readonly id: IndexId;
  readonly entries?: IndexFileEntries;
  readonly error?: unknown;
}

export interface IndexCheckOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress: (done: number, total: number) => void;
}

/**
 * Reads all index files and loads the repository's index.
 * @returns false when some cannot be read: everything that follows would report what only they tell of as missing.
 */
export async function checkIndex(repo: Repository, log: FindingLog, options: IndexCheckOptions): Promise<boolean> {
  // A million blobs take seconds to decode: once, unless something is wrong.
  if (await compareWhileLoading(repo, log, options)) return true;
  if (!(await compareAll(repo, log, options))) return false;
  await repo.refreshIndex(options.signal);
  return true;
}

/** @returns false when it is not known whether all files are sound; nothing was reported then. */
async function compareWhileLoading(repo: Repository, log: FindingLog, options: IndexCheckOptions): Promise<boolean> {
  if (repo.index.fileIds.size > 0) return false;
  const met = new MetPacks();
  const ids: IndexId[] = [];
  const reports: (() => void)[] = [];
  const kept: Pick<FindingLog, "add"> = { add: (...finding) => void reports.push(() => log.add(...finding)) };
  try {
    await repo.refreshIndex(options.signal, (id, entries, total) => {
      refuseTooNew(repo, entries);
      ids.push(id);
      comparePacks({ ids, file: ids.length - 1, entries }, met, kept);
      options.onProgress(ids.length, total);
    });
  } catch {
    throwIfCancelled(options.signal);
    return false;
  }
  for (const report of reports) report();
  return true;
}
async function compareAll(repo: Repository, log: FindingLog, options: IndexCheckOptions): Promise<boolean> {
  const ids: IndexId[] = [];
  for await (const { id } of repo.list("index", options.signal)) ids.push(id as IndexId);
  const met = new MetPacks();
  const limits = { limit: repo.storage.connections, signal: options.signal };
  let isSound = true;
  let done = 0;
  for await (const { id, entries, error } of boundedParallel(ids, limits, (id) =>
    readIndex(repo, id, options.signal),
  )) {
    if (entries === undefined) {
      isSound = false;
      log.add("index-unreadable", `index file ${id} cannot be used: ${String((error as Error).message)}`, {
        indexId: id,
      });
    } else {
      comparePacks({ ids, file: done, entries }, met, log);
    }
    options.onProgress(++done, ids.length);
  }
  return isSound;
}

async function readIndex(repo: Repository, id: IndexId, signal: AbortSignal | undefined): Promise<ReadIndex> {
  try {
    const entries = IndexFileEntries.decode(await repo.loadUnpacked("index", id, signal));
    refuseTooNew(repo, entries);
    return { id, entries };
  } catch (error) {
    throwIfCancelled(signal);
    return { id, error };
  }
}

function refuseTooNew(repo: Repository, entries: IndexFileEntries): void {
  if (repo.version !== 1) return;
  for (let index = 0; index < entries.count; index++) {
    if (entries.entryAt(index).uncompressedLength === 0) continue;
    throw new RepositoryError("index-malformed", "it lists compressed blobs, which version 1 does not know");
  }
}

function comparePacks(
  { ids, file, entries }: { ids: readonly IndexId[]; file: number; entries: IndexFileEntries },
  met: MetPacks,
  log: Pick<FindingLog, "add">,
): void {
  for (const [place, pack] of entries.packs.entries()) {
    const hash = hashOfPack(entries, place);
    const other = met.meet(pack.id, { hash, file });
    if (other === undefined || other.file === file) continue;
    const packId = Buffer.from(pack.id.buffer, pack.id.byteOffset, pack.id.byteLength).toString("hex") as PackId;
    const indexId = ids[file];
    if (other.hash === hash) {
      const message = `pack ${packId} stands in several index files: ${ids[other.file]} and ${indexId}`;
      log.add("index-duplicate-pack", message, { packId, indexId });
    } else {
      const message = `index files ${ids[other.file]} and ${indexId} do not agree about pack ${packId}`;
      log.add("index-conflict", message, { packId, indexId });
    }
  }
}
