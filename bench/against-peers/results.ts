// What was measured, as it is kept in bench/results/SHAPE.json: every run of every step, so that the page can be written anew
// and one shape be measured again without the others.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Contents } from "../corpus.ts";
import type { KernelRates } from "../micro/kernels.ts";
import type { ContestantName } from "./contestants.ts";

export interface Run {
  /** From 0. */
  readonly round: number;
  readonly step: string;
  readonly contestant: ContestantName;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly peakMib: number;
  readonly readBytes: number;
  /** Of the repository, after steps that write. */
  readonly storedBytes?: number;
  /** Where a proxy counts. */
  readonly requests?: number;
  readonly fetchedBytes?: number;
  readonly sentBytes?: number;
  /** To the API server, for each volume. */
  readonly apiWrites?: number;
}

/** As many digits as mean something. */
export function rounded(
  measured: Pick<Run, "wallSeconds" | "cpuSeconds" | "peakMib" | "readBytes">,
): Pick<Run, "wallSeconds" | "cpuSeconds" | "peakMib" | "readBytes"> {
  const { wallSeconds, cpuSeconds, peakMib, readBytes } = measured;
  return {
    wallSeconds: Math.round(wallSeconds * 1000) / 1000,
    cpuSeconds: Math.round(cpuSeconds * 100) / 100,
    peakMib: Math.round(peakMib),
    readBytes,
  };
}

export interface Machine {
  readonly cores: number;
  readonly processor: string;
  readonly memoryGib: number;
  readonly kernel: string;
  readonly node: string;
}

export interface ShapeResult {
  readonly shape: string;
  /** The whole command. */
  readonly command: string;
  /** YYYY-MM-DD. */
  readonly date: string;
  readonly rounds: number;
  /** 1 but for trials, which are never kept. */
  readonly scale: number;
  readonly machine: Machine;
  readonly versions: Readonly<Partial<Record<ContestantName, string>>>;
  /** Whether ours had to do with a bounded memory, as a sentence; absent when nobody asked for it. */
  readonly memoryLimit?: string;
  readonly contents: Contents;
  /** In bytes a second, measured beside the shape. */
  readonly kernels: KernelRates;
  readonly runs: readonly Run[];
}

export const resultsFolder: string = join(import.meta.dirname, "..", "results");

export function saveResult(result: ShapeResult, folder: string = resultsFolder): void {
  mkdirSync(folder, { recursive: true });
  const { runs, ...rest } = result;
  // One line for each run, so that a difference can be read.
  const lines = runs.map((run) => `    ${JSON.stringify(run)}`).join(",\n");
  const head = JSON.stringify(rest, undefined, 2).replace(/\n\}$/, "");
  writeFileSync(join(folder, `${result.shape}.json`), `${head},\n  "runs": [\n${lines}\n  ]\n}\n`);
}

/** @returns undefined when the shape was never measured. */
export function loadResult(shape: string, folder: string = resultsFolder): ShapeResult | undefined {
  const path = join(folder, `${shape}.json`);
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as ShapeResult) : undefined;
}

/** What somebody has found out about the figures of a shape: bench/results/SHAPE.md. */
export function loadRemarks(shape: string, folder: string = resultsFolder): string | undefined {
  const path = join(folder, `${shape}.md`);
  return existsSync(path) ? readFileSync(path, "utf8").trim() : undefined;
}
