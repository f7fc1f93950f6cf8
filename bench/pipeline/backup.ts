// Backups of two shapes by the engine and by restic, in turn, each in a process of its own: first, and again unchanged.
// `node bench/pipeline/backup.ts [large|small] [ROUNDS]`; the corpus is made once below the temporary directory.
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resticBinary } from "../../test/support/peers.ts";
import { writeLargeFiles, writeSmallFiles } from "../corpus.ts";
import { type Measured, measure } from "./measured-process.ts";

const folder = join(tmpdir(), "stowage-bench");
const shapes: Readonly<Record<string, (directory: string) => void>> = {
  large: (directory) => writeLargeFiles(directory, 2 * 1024 ** 3),
  small: (directory) => writeSmallFiles(directory, 40_000),
};
const env = { RESTIC_PASSWORD: "bench" };

interface Contestant {
  readonly name: string;
  readonly init: (repository: string) => readonly string[];
  readonly backUp: (repository: string, source: string) => readonly string[];
}

const ours: readonly string[] = [process.execPath, join(import.meta.dirname, "backup-once.ts")];

const contestants: readonly Contestant[] = [
  {
    name: "stowage",
    init: (repository) => [...ours, repository],
    backUp: (repository, source) => [...ours, repository, source],
  },
  {
    name: "restic",
    init: (repository) => [resticBinary(), "--quiet", "--no-cache", "-r", repository, "init"],
    backUp: (repository, source) => [resticBinary(), "--quiet", "--no-cache", "-r", repository, "backup", source],
  },
];

type Results = Record<string, Measured[]>;

function corpus(shape: string): string {
  const directory = join(folder, shape);
  if (existsSync(directory)) return directory;
  const make = shapes[shape];
  if (make === undefined) throw new Error(`shapes are ${Object.keys(shapes).join(", ")}; got ${shape}`);
  const unfinished = `${directory}.part`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  make(unfinished);
  renameSync(unfinished, directory);
  return directory;
}

async function round(source: string, results: Results): Promise<void> {
  for (const { name, init, backUp } of contestants) {
    const repository = join(folder, `repository-${name}`);
    rmSync(repository, { recursive: true, force: true });
    await measure(init(repository), env);
    add(results, `${name} first`, await measure(backUp(repository, source), env));
    add(results, `${name} again`, await measure(backUp(repository, source), env));
    rmSync(repository, { recursive: true, force: true });
  }
}

function add(results: Results, what: string, run: Measured): void {
  const runs = results[what];
  if (runs === undefined) results[what] = [run];
  else runs.push(run);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function report(shape: string, results: Results): void {
  for (const [what, runs] of Object.entries(results)) {
    const wall = median(runs.map((run) => run.wallSeconds)).toFixed(2);
    const cpu = median(runs.map((run) => run.cpuSeconds)).toFixed(2);
    const peak = Math.max(...runs.map((run) => run.peakMib)).toFixed(0);
    console.log(`${shape.padEnd(6)} ${what.padEnd(14)} ${wall} s wall  ${cpu} s cpu  ${peak} MiB peak`);
  }
}

const [wanted, rounds = "3"] = process.argv.slice(2);
for (const shape of wanted === undefined ? Object.keys(shapes) : [wanted]) {
  const source = corpus(shape);
  const results: Results = {};
  for (let number = 0; number < Number(rounds); number++) await round(source, results);
  report(shape, results);
}
