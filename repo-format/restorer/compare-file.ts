// Compares a file on disk with the blobs that it should have, in worker threads, a bounded piece at a time.
import { throwIfCancelled } from "../errors.ts";
import { idBytes } from "../format/id.ts";
import type { BlobWorkerPool } from "../workers/blob-worker-pool.ts";
import type { CompareResult, CompareTask } from "../workers/restore-task.ts";
import type { RestorePlan } from "./restore-plan.ts";

/** The threads, as far as a restore needs them. */
export type RestoreThreads = Pick<BlobWorkerPool, "threads" | "budget" | "restoreBlobs">;

/** Of one task: enough work to be worth a message, little enough to be cancelled soon. */
const maxTaskBytes: number = 32 * 1024 * 1024;
const maxTaskPieces = 4096;

export interface FileToCompare {
  readonly plan: RestorePlan;
  readonly file: number;
  /** Stays open until this resolves. */
  readonly fd: number;
}

/**
 * @param onPart called for each part of the file in order.
 * @returns why a part could not be read, if so.
 */
export async function compareFile(
  threads: RestoreThreads,
  { plan, file, fd }: FileToCompare,
  onPart: (part: number, isEqual: boolean) => void,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const { first, end } = plan.partsOf(file);
  let readError: string | undefined;
  for (let start = first; start < end; ) {
    throwIfCancelled(signal);
    const stop = endOfTask(plan, start, end);
    const result = (await threads.restoreBlobs(compareTask(plan, fd, start, stop))) as CompareResult;
    readError ??= result.readError;
    for (const [index, match] of result.matches.entries()) onPart(start + index, match === 1);
    start = stop;
  }
  return readError;
}

function endOfTask(plan: RestorePlan, start: number, end: number): number {
  let bytes = 0;
  let stop = start;
  while (stop < end && stop - start < maxTaskPieces && (stop === start || bytes < maxTaskBytes)) {
    bytes += plan.plaintextLength(stop);
    stop++;
  }
  return stop;
}

function compareTask(plan: RestorePlan, fd: number, start: number, end: number): CompareTask {
  const lengths = new Uint32Array(end - start);
  for (let part = start; part < end; part++) lengths[part - start] = plan.plaintextLength(part);
  return {
    kind: "compare",
    fd,
    offsets: plan.parts.fileOffset.array.slice(start, end),
    lengths,
    ids: plan.parts.ids.array.slice(start * idBytes, end * idBytes),
  };
}
