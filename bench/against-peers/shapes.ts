// The data of the comparisons: made once from a seed, below the temporary directory, and kept for the next run.
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeLargeFiles, writeSmallFiles } from "../corpus.ts";

export interface Shape {
  readonly name: string;
  readonly what: string;
  readonly write: (directory: string) => void;
}

export const shapes: readonly Shape[] = [
  {
    name: "large",
    what: "2 GiB in 4 files, half random, half text of a 5,000-word vocabulary",
    write: (directory) => writeLargeFiles(directory, 2 * 1024 ** 3),
  },
  {
    name: "small",
    what: "40,000 small files, sizes lognormal, random and text in turn",
    write: (directory) => writeSmallFiles(directory, 40_000),
  },
];

/** The directory that holds the shape's data. */
export function prepare(shape: Shape, folder: string): string {
  const directory = join(folder, shape.name);
  if (existsSync(directory)) return directory;
  const unfinished = `${directory}.part`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  shape.write(unfinished);
  renameSync(unfinished, directory);
  return directory;
}
