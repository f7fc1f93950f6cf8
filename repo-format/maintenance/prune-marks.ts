// The marks of two-phase prunes in the store.

import { RepositoryError } from "../errors.ts";
import type { Id } from "../format/id.ts";
import { decodePruneMark, type PruneMark } from "../format/prune-mark.ts";
import { parseTime } from "../format/time.ts";
import type { Repository } from "../repository/repository.ts";

/** What a mark tells people. */
export interface PendingDeletion {
  /** Of the mark. */
  readonly id: string;
  readonly packs: number;
  readonly packBytes: number;
  /** Milliseconds since the epoch, by the store's clock. */
  readonly markedMs: number;
}

export interface StoredMark {
  readonly id: Id;
  readonly mark: PruneMark;
  readonly pending: PendingDeletion;
}

export interface ListedMarks {
  /** Oldest first. */
  readonly marks: readonly StoredMark[];
  /** Of all marks, also those that cannot be read: without them nothing is deleted but what a new plan finds. */
  readonly ids: readonly Id[];
}

export async function listMarks(repo: Repository, signal: AbortSignal | undefined): Promise<ListedMarks> {
  const ids: Id[] = [];
  for await (const { id } of repo.list("mark", signal)) ids.push(id);
  const marks: StoredMark[] = [];
  for (const id of ids) {
    const stored = await readMark(repo, id, signal);
    if (stored !== undefined) marks.push(stored);
  }
  marks.sort((a, b) => a.pending.markedMs - b.pending.markedMs);
  return { marks, ids };
}

/** @returns undefined for a mark that is gone or that cannot be read */
async function readMark(repo: Repository, id: Id, signal: AbortSignal | undefined): Promise<StoredMark | undefined> {
  try {
    const mark = decodePruneMark(await repo.loadUnpacked("mark", id, signal));
    const markedMs = Number(parseTime(mark.time).unixNs / 1_000_000n);
    return { id, mark, pending: { id, packs: mark.packs.length, packBytes: mark.packBytes, markedMs } };
  } catch (error) {
    const isUseless =
      RepositoryError.is(error, "object-missing") ||
      RepositoryError.is(error, "file-damaged") ||
      RepositoryError.is(error, "mark-malformed");
    if (isUseless) return undefined;
    throw error;
  }
}

export async function deleteMarks(repo: Repository, ids: Iterable<Id>, signal: AbortSignal | undefined): Promise<void> {
  for (const id of ids) await repo.remove("mark", id, signal);
}
