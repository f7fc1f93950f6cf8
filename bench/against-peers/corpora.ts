// The trees that shapes back up: made once from a seed, below the temporary directory, and kept for the next run.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Contents,
  writeEvolvingTree,
  writeHugeFile,
  writeLargeFiles,
  writeMediumFiles,
  writeSmallFiles,
  writeWideTree,
} from "../corpus.ts";

/** A size or a count, made smaller for trials. */
export type Scaled = (value: number) => number;

export interface Corpus {
  /** Of its folder. */
  readonly name: string;
  /** What it takes on the disk, roughly. */
  readonly expected: (scaled: Scaled) => { readonly bytes: number; readonly entries: number };
  readonly write: (directory: string, scaled: Scaled) => Contents;
}

const gibibyte: number = 1024 ** 3;
/** What a small file or a directory takes on the disk. */
const blockBytes = 4096;

export const evolvingFiles = 77_000;

export type CorpusName = "large" | "small" | "medium" | "emptyWide" | "tiny" | "huge" | "evolving";

export const corpora: Readonly<Record<CorpusName, Corpus>> = {
  large: {
    name: "large",
    expected: (scaled) => ({ bytes: scaled(2 * gibibyte), entries: 4 }),
    write: (directory, scaled) => writeLargeFiles(directory, scaled(2 * gibibyte)),
  },
  small: {
    name: "small",
    expected: (scaled) => ({ bytes: scaled(40_000 * 12_000), entries: scaled(40_500) }),
    write: (directory, scaled) => writeSmallFiles(directory, scaled(40_000)),
  },
  medium: {
    name: "medium",
    expected: (scaled) => ({ bytes: scaled(1_000 * 1_000_000), entries: scaled(1_010) }),
    write: (directory, scaled) => writeMediumFiles(directory, scaled(1_000)),
  },
  emptyWide: {
    name: "empty-wide",
    expected: (scaled) => ({ bytes: scaled(239_675 * blockBytes), entries: scaled(659_105) }),
    write: (directory, scaled) =>
      writeWideTree(directory, { directories: scaled(239_675), files: scaled(419_430), bytesPerFile: 0 }),
  },
  tiny: {
    name: "tiny",
    expected: (scaled) => ({ bytes: scaled((137_257 + 235_298) * blockBytes), entries: scaled(372_555) }),
    write: (directory, scaled) =>
      writeWideTree(directory, { directories: scaled(137_257), files: scaled(235_298), bytesPerFile: 100 }),
  },
  huge: {
    name: "huge",
    expected: (scaled) => ({ bytes: scaled(8 * gibibyte), entries: 1 }),
    write: (directory, scaled) => writeHugeFile(directory, scaled(8 * gibibyte)),
  },
  evolving: {
    name: "evolving",
    expected: (scaled) => ({ bytes: scaled(evolvingFiles * 12_000), entries: scaled(evolvingFiles * 1.1) }),
    write: (directory, scaled) => writeEvolvingTree(directory, scaled(evolvingFiles)),
  },
};

/** @param scale 1 for what is measured. */
export function scaledBy(scale: number): Scaled {
  return (value) => Math.max(1, Math.round(value * scale));
}

export interface PreparedCorpus {
  readonly directory: string;
  readonly contents: Contents;
}

/** Makes it unless it is there. */
export function prepareCorpus(corpus: Corpus, folder: string, scale: number): PreparedCorpus {
  const directory = corpusFolder(corpus, folder, scale);
  const list = `${directory}.json`;
  if (!isCorpusThere(corpus, folder, scale)) {
    // The list comes last: what lacks it is unfinished.
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    const unfinished = `${list}.part`;
    writeFileSync(unfinished, JSON.stringify(corpus.write(directory, scaledBy(scale))));
    renameSync(unfinished, list);
  }
  return { directory, contents: JSON.parse(readFileSync(list, "utf8")) as Contents };
}

export function isCorpusThere(corpus: Corpus, folder: string, scale: number): boolean {
  return existsSync(`${corpusFolder(corpus, folder, scale)}.json`);
}

function corpusFolder({ name }: Corpus, folder: string, scale: number): string {
  return join(folder, "corpora", scale === 1 ? name : `${name}-${scale}`);
}
