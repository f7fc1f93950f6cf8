// One shape through both programs, in turn, round by round: a first backup, one of unchanged data, a restore into an empty
// directory, and a check that reads everything. Ratios are taken within a round, because these machines are noisy.
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Measured, measure } from "../pipeline/measured-process.ts";
import { type Contestant, contestants } from "./contestants.ts";

export const steps = ["first backup", "unchanged again", "restore", "check --read-data"] as const;
export type Step = (typeof steps)[number];

export interface StepResult {
  readonly step: Step;
  /** Medians over the rounds. */
  readonly stowage: Figures;
  readonly restic: Figures;
  /** Median of ours ÷ restic's of the same round. */
  readonly wallRatio: number;
  readonly cpuRatio: number;
}

export interface Figures {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  /** The most of all rounds. */
  readonly peakMib: number;
}

export interface ShapeResult {
  readonly steps: readonly StepResult[];
  /** Bytes of our repository ÷ bytes of restic's, after the first backup. */
  readonly storedRatio: number;
}

type Runs = Record<Step, Record<Contestant["name"], Measured[]>>;

const env = { RESTIC_PASSWORD: "bench" };

/** @param folder for repositories and restored files; both are removed. */
export async function compare(source: string, folder: string, rounds: number): Promise<ShapeResult> {
  const runs = Object.fromEntries(steps.map((step) => [step, { stowage: [], restic: [] }])) as unknown as Runs;
  const stored: Record<string, number> = {};
  for (let round = 0; round < rounds; round++) {
    // Who begins changes, so that neither always finds the machine as the other left it.
    const order = round % 2 === 0 ? contestants() : contestants().toReversed();
    for (const contestant of order) stored[contestant.name] = await runAll(contestant, { source, folder, runs });
  }
  return {
    steps: steps.map((step) => stepResult(step, runs[step])),
    storedRatio: (stored.stowage ?? 0) / (stored.restic ?? 1),
  };
}

interface Place {
  readonly source: string;
  readonly folder: string;
  readonly runs: Runs;
}

async function runAll({ name, command }: Contestant, { source, folder, runs }: Place): Promise<number> {
  const repository = join(folder, `repository-${name}`);
  const target = join(folder, `restored-${name}`);
  const run = (...words: string[]): Promise<Measured> => measure([...command, "-r", repository, ...words], env);
  const clear = (): void => {
    for (const path of [repository, target]) rmSync(path, { recursive: true, force: true });
  };
  clear();
  await run("init");
  runs["first backup"][name].push(await run("backup", source));
  const bytes = sizeOf(repository);
  runs["unchanged again"][name].push(await run("backup", source));
  runs.restore[name].push(await run("restore", "latest", "--target", target));
  runs["check --read-data"][name].push(await run("check", "--read-data"));
  clear();
  return bytes;
}

function sizeOf(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0);
}

function stepResult(step: Step, { stowage, restic }: Record<Contestant["name"], Measured[]>): StepResult {
  const ratio = (figure: "wallSeconds" | "cpuSeconds"): number =>
    median(stowage.map((run, round) => run[figure] / (restic[round]?.[figure] ?? Number.NaN)));
  return {
    step,
    stowage: figures(stowage),
    restic: figures(restic),
    wallRatio: ratio("wallSeconds"),
    cpuRatio: ratio("cpuSeconds"),
  };
}

function figures(runs: readonly Measured[]): Figures {
  return {
    wallSeconds: median(runs.map((run) => run.wallSeconds)),
    cpuSeconds: median(runs.map((run) => run.cpuSeconds)),
    peakMib: Math.max(...runs.map((run) => run.peakMib)),
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
