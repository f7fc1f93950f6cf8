// Cuts the wanted blobs of a pack into runs that are fetched with one request each.

import type { PackedBlob } from "../format/blob.ts";

/** Unneeded bytes between two blobs that are fetched rather than asked for anew. */
const maxGapBytes: number = 1024 * 1024;
/** Fetched at a time, for each download; a larger blob is fetched alone. */
const maxRequestBytes: number = 4 * 1024 * 1024;

/** Blobs of a pack that are fetched with one request. */
export interface PackRun {
  readonly offset: number;
  length: number;
  readonly blobs: PackedBlob[];
}

/** @param blobs in ascending order of their offsets. */
export function runsOf(blobs: readonly PackedBlob[]): PackRun[] {
  const runs: PackRun[] = [];
  for (const blob of blobs) {
    const run = runs.at(-1);
    const length = run === undefined ? 0 : blob.offset + blob.length - run.offset;
    const isNear = run !== undefined && blob.offset - (run.offset + run.length) <= maxGapBytes;
    if (run !== undefined && isNear && length <= maxRequestBytes) {
      run.blobs.push(blob);
      run.length = Math.max(run.length, length);
    } else {
      runs.push({ offset: blob.offset, length: blob.length, blobs: [blob] });
    }
  }
  return runs;
}
