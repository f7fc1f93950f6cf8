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
  writeVolumes,
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
  /** It takes too much room to be kept for the next run. */
  readonly isRemoved?: boolean;
}

const gibibyte: number = 1024 ** 3;
/** What a small file or a directory takes on the disk. */
const blockBytes = 4096;

export const evolvingFiles = 77_000;
/** Velero's case C1, and a tenth of it. */
export const wholeC1 = { directories: 2_396_745, files: 4_194_304 } as const;
export const tenthOfC1 = { directories: 239_675, files: 419_430 } as const;
export const volumeCount = 100;
export const volumeBytes = 5_000_000;
export const manyVolumeCount = 1000;
export const manyVolumeBytes = 10_000;

export type CorpusName =
  | "large"
  | "small"
  | "medium"
  | "emptyWide"
  | "c1"
  | "tiny"
  | "huge"
  | "evolving"
  | "few"
  | "volumes"
  | "manyVolumes"
  | "none";

export const corpora: Readonly<Record<CorpusName, Corpus>> = {
  /** For shapes that need no files. */
  none: {
    name: "none",
    expected: () => ({ bytes: 0, entries: 1 }),
    write: (directory) => {
      mkdirSync(directory, { recursive: true });
      return { files: 0, directories: 1, bytes: 0, textBytes: 0 };
    },
  },
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
  emptyWide: emptyFiles("empty-wide", tenthOfC1),
  c1: { ...emptyFiles("c1", wholeC1), isRemoved: true },
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
  few: {
    name: "few",
    expected: (scaled) => ({ bytes: scaled(1_000 * 12_000), entries: scaled(1_011) }),
    write: (directory, scaled) => writeSmallFiles(directory, scaled(1_000)),
  },
  volumes: {
    name: "volumes",
    expected: (scaled) => ({ bytes: scaled(volumeCount) * volumeBytes, entries: scaled(volumeCount * 11) }),
    write: (directory, scaled) => writeVolumes(directory, scaled(volumeCount), volumeBytes),
  },
  manyVolumes: {
    name: "many-volumes",
    expected: (scaled) => ({ bytes: scaled(manyVolumeCount) * 10 * blockBytes, entries: scaled(manyVolumeCount * 11) }),
    write: (directory, scaled) => writeVolumes(directory, scaled(manyVolumeCount), manyVolumeBytes),
  },
};

function emptyFiles(name: string, { directories, files }: typeof wholeC1 | typeof tenthOfC1): Corpus {
  return {
    name,
    expected: (scaled) => ({ bytes: scaled(directories * blockBytes), entries: scaled(directories + files) }),
    write: (directory, scaled) =>
      writeWideTree(directory, { directories: scaled(directories), files: scaled(files), bytesPerFile: 0 }),
  };
}

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

/** When the shape has been measured: a corpus that is not kept goes. */
export function releaseCorpus(corpus: Corpus, folder: string, scale: number): void {
  if (corpus.isRemoved !== true) return;
  const directory = corpusFolder(corpus, folder, scale);
  rmSync(`${directory}.json`, { force: true });
  rmSync(directory, { recursive: true, force: true });
}

export function isCorpusThere(corpus: Corpus, folder: string, scale: number): boolean {
  return existsSync(`${corpusFolder(corpus, folder, scale)}.json`);
}

function corpusFolder({ name }: Corpus, folder: string, scale: number): string {
  return join(folder, "corpora", scale === 1 ? name : `${name}-${scale}`);
}
