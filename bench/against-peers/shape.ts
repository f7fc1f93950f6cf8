// What a shape is: a tree, what is done with it, and who does it.
import { type Contestant, type ContestantName, repositoryWriters } from "./contestants.ts";
import type { Corpus } from "./corpora.ts";
import type { Run } from "./results.ts";
import type { ShownStep, Step } from "./steps.ts";

interface ShapeFacts {
  readonly name: string;
  readonly what: string;
  readonly corpus: Corpus;
  /** Steps change the tree, or it lies elsewhere: each turn has a copy. */
  readonly onCopy?: boolean;
  /** Default: the three that write repositories. */
  readonly contestants?: readonly ContestantName[];
  /** Of all contestants, on two cores; a rough guess. */
  readonly minutesPerRound: number;
  /** What takes very long is not repeated. */
  readonly maxRounds?: number;
  /** Part of a run that names no shapes. */
  readonly isUsual?: boolean;
}

/** Each step is a process. */
export interface ProcessShape extends ShapeFacts {
  /** Of an S3 store, for each request; without it repositories lie in a directory. */
  readonly delayMs?: number;
  readonly steps: (scale: number) => readonly Step[];
}

/** Measured in a way of its own. */
export interface OtherShape extends ShapeFacts {
  readonly steps: (scale: number) => readonly ShownStep[];
  readonly measure: (options: MeasureOptions) => Promise<Run[]>;
}

export type Shape = ProcessShape | OtherShape;

export interface MeasureOptions {
  /** Those of the shape. */
  readonly contestants: readonly Contestant[];
  /** Folder of the shape's data, which nothing may change. */
  readonly corpus: string;
  /** For repositories, caches and restored files; removed at the end. */
  readonly folder: string;
  readonly rounds: number;
  readonly scale: number;
  readonly onRun: (run: Run) => void;
}

export function contestantsOf({ contestants }: Shape): readonly ContestantName[] {
  return contestants ?? repositoryWriters;
}

/** Who begins changes with each round. */
export function inTurn(contestants: readonly Contestant[], round: number): readonly Contestant[] {
  const first = round % contestants.length;
  return [...contestants.slice(first), ...contestants.slice(0, first)];
}
