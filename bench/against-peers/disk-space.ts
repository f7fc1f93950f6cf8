// Is there room for a shape? Asked before anything is written, so that nothing ends in the middle of a round.
import { statfsSync } from "node:fs";
import { type Corpus, isCorpusThere, scaledBy } from "./corpora.ts";

export interface RoomOptions {
  readonly corpus: Corpus;
  readonly scale: number;
  /** A copy of the corpus is made, too. */
  readonly onCopy: boolean;
  /** Exists. */
  readonly folder: string;
}

const reserveBytes: number = 1024 ** 3;
const reserveEntries = 100_000;

/**
 * @returns what it takes at once, in words. @throws Error that says how much room a shape takes and how much there is.
 */
export function requireRoom({ corpus, scale, onCopy, folder }: RoomOptions): string {
  const { bytes, entries } = corpus.expected(scaledBy(scale));
  // A repository, the restored tree and a cache beside it; the repository may be as large as its source, and twice while
  // it is pruned.
  const trees = (isCorpusThere(corpus, folder, scale) ? 0 : 1) + (onCopy ? 1 : 0) + 1;
  const neededBytes = bytes * (trees + 2) + reserveBytes;
  const neededEntries = entries * trees + reserveEntries;
  const { bavail, bsize, ffree, files } = statfsSync(folder);
  const freeBytes = bavail * bsize;
  const gibibytes = (value: number): string => `${(value / 1024 ** 3).toFixed(1)} GiB`;
  if (freeBytes < neededBytes) {
    throw new Error(
      `${corpus.name} takes ${gibibytes(neededBytes)} in ${folder}, which has ${gibibytes(freeBytes)} left; ` +
        "set TMPDIR to a folder with more room",
    );
  }
  // Some file systems do not count them.
  if (files > 0 && ffree < neededEntries) {
    throw new Error(`${corpus.name} takes ${neededEntries} inodes in ${folder}, which has ${ffree} left`);
  }
  return `${gibibytes(neededBytes)} and ${neededEntries} inodes in ${folder}`;
}
