// `npm run bench -- [OPTIONS] [ROUNDS] [SHAPE…]`: ours against restic and kopia on this machine, whole processes, in
// turn. Results go to bench/results, the page that is made of them to docs/performance.md; scaled trials are only printed.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, release, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { parseByteSize } from "../repo-format/index.ts";
import { compare } from "./against-peers/compare.ts";
import { type Contestant, contestants } from "./against-peers/contestants.ts";
import { prepareCorpus, releaseCorpus } from "./against-peers/corpora.ts";
import { requireRoom } from "./against-peers/disk-space.ts";
import { renderPage, renderSection } from "./against-peers/page.ts";
import { type Run, type ShapeResult, saveResult } from "./against-peers/results.ts";
import { runUnmeasured } from "./against-peers/run-unmeasured.ts";
import { contestantsOf, type MeasureOptions, type Shape } from "./against-peers/shape.ts";
import { selectShapes, shapes } from "./against-peers/shapes.ts";
import { type KernelRates, measureKernels } from "./micro/kernels.ts";
import { makeMemoryGroup } from "./pipeline/memory-group.ts";

const root = join(import.meta.dirname, "..");
const folder = join(tmpdir(), "stowage-bench");
/** Of this run alone: another may be under way. */
const scratch = join(folder, `scratch-${process.pid}`);
const usualRounds = 5;
/** Enough to see that it works. */
const trialKernelMs = 10;

const usage = `npm run bench -- [OPTIONS] [ROUNDS] [SHAPE…]
  ROUNDS    default ${usualRounds}
  SHAPE     ${shapes.map(({ name }) => name).join(", ")}; "s3" is all that begin with it, "all" is all;
            default: ${selectShapes([])
              .map(({ name }) => name)
              .join(", ")}
  --scale FRACTION     such as 0.01: smaller data, for a trial; nothing is written down
  --memory-limit SIZE  such as 256M: ours runs in a control group with so much, where one can be made
  --render             only write docs/performance.md anew from bench/results
`;

interface Plan {
  readonly rounds: number;
  readonly scale: number;
  /** Of ours, as it was given. */
  readonly memoryLimit: string | undefined;
  readonly selected: readonly Shape[];
}

for (const [name, status] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  process.once(name, () => process.exit(status));
}
process.once("exit", () => rmSync(scratch, { recursive: true, force: true }));
try {
  await main();
} catch (error) {
  say(`bench: ${(error as Error).message}`);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const options = { scale: text, "memory-limit": text, render: flag, help: flag };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  if (values.help) process.stdout.write(usage);
  else if (values.render) writePage();
  else await measureShapes(planOf(positionals, values.scale, values["memory-limit"]));
}

function planOf(words: readonly string[], scaleText: string | undefined, memoryLimit: string | undefined): Plan {
  const [first = ""] = words;
  const hasRounds = /^\d+$/.test(first);
  const rounds = hasRounds ? Number(first) : usualRounds;
  const scale = Number(scaleText ?? "1");
  if (!(rounds >= 1 && scale > 0 && scale <= 1)) throw new Error(`wrong number\n${usage}`);
  return { rounds, scale, memoryLimit, selected: selectShapes(hasRounds ? words.slice(1) : words) };
}

async function measureShapes(plan: Plan): Promise<void> {
  const { scale, selected } = plan;
  mkdirSync(folder, { recursive: true });
  // All before the first, which may take an hour.
  for (const shape of selected) say(`bench: ${describePlan(shape, plan)}`);
  await runUnmeasured([process.execPath, join(root, ".ci", "build.mjs")]);
  const { words, remark, release } = limitMemory(plan.memoryLimit);
  try {
    const programs = await contestants(new Set(selected.flatMap(contestantsOf)), words);
    say("bench: kernels");
    const kernels = await measureKernels(scale < 1 ? trialKernelMs : undefined);
    for (const shape of selected) {
      try {
        const result = await measureShape(shape, plan, programs, kernels);
        keep(shape, remark === undefined ? result : { ...result, memoryLimit: remark });
      } catch (error) {
        // The other shapes can still be measured, which may be hours of work.
        say(`bench: ${shape.name} was not measured: ${(error as Error).message}`);
        process.exitCode = 1;
      }
    }
  } finally {
    release();
  }
  if (scale < 1) say("bench: a trial at reduced size; nothing was written down");
}

/** @throws Error when there is no room for it. */
function describePlan(shape: Shape, { rounds, scale }: Plan): string {
  const { name, corpus, onCopy = false, minutesPerRound } = shape;
  const room = requireRoom({ corpus, scale, onCopy, folder });
  const count = roundsOf(shape, rounds);
  const minutes = Math.ceil(minutesPerRound * count * scale);
  return `${name}: rounds: ${count}; about ${minutes} min on two cores that do nothing else; takes ${room}`;
}

function roundsOf({ maxRounds = Number.POSITIVE_INFINITY }: Shape, wanted: number): number {
  return Math.min(wanted, maxRounds);
}

interface MemoryLimit {
  /** Before our program. */
  readonly words: readonly string[];
  /** For the page. */
  readonly remark: string | undefined;
  readonly release: () => void;
}

function limitMemory(size: string | undefined): MemoryLimit {
  if (size === undefined) return { words: [], remark: undefined, release: () => {} };
  const limitBytes = parseByteSize(size);
  try {
    const group = makeMemoryGroup(limitBytes);
    const remark = `Ours ran in a control group of ${limitBytes / 1024 ** 2} MiB.`;
    return { words: group.words, remark, release: () => group.remove() };
  } catch (error) {
    const remark = `Ours ran without a memory limit, which this machine does not allow: ${(error as Error).message}.`;
    say(`bench: ${remark}`);
    return { words: [], remark, release: () => {} };
  }
}

async function measureShape(
  shape: Shape,
  { rounds: wanted, scale, memoryLimit }: Plan,
  programs: readonly Contestant[],
  kernels: KernelRates,
): Promise<ShapeResult> {
  say(`bench: ${shape.name}: ${shape.what}`);
  // Those before it have left their trees.
  requireRoom({ corpus: shape.corpus, scale, onCopy: shape.onCopy === true, folder });
  const rounds = roundsOf(shape, wanted);
  const { directory: corpus, contents } = prepareCorpus(shape.corpus, folder, scale);
  const takesPart = ({ name }: Contestant): boolean => contestantsOf(shape).includes(name);
  const options: MeasureOptions = {
    contestants: programs.filter(takesPart),
    ...{ corpus, folder: scratch, rounds, scale },
    onRun: (run) => say(describeRun(shape, run, rounds)),
  };
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch);
  const runs = "measure" in shape ? await shape.measure(options) : await compare(shape, options);
  rmSync(scratch, { recursive: true });
  releaseCorpus(shape.corpus, folder, scale);
  const versions = Object.fromEntries(programs.map(({ name, version }) => [name, version]));
  return { ...circumstances(shape, { rounds, scale, memoryLimit }), contents, kernels, versions, runs };
}

/** A trial is only printed. */
function keep(shape: Shape, result: ShapeResult): void {
  process.stdout.write(`${renderSection(shape, result)}\n`);
  if (result.scale < 1) return;
  saveResult(result);
  writePage();
}

function circumstances(
  shape: Shape,
  { rounds, scale, memoryLimit }: Omit<Plan, "selected">,
): Pick<ShapeResult, "shape" | "command" | "date" | "rounds" | "scale" | "machine"> {
  const limit = memoryLimit === undefined ? [] : ["--memory-limit", memoryLimit];
  const words = [...(scale === 1 ? [] : ["--scale", scale]), ...limit, rounds, shape.name];
  return {
    shape: shape.name,
    command: `npm run bench -- ${words.join(" ")}`,
    date: new Date().toISOString().slice(0, 10),
    rounds,
    scale,
    machine: {
      cores: availableParallelism(),
      processor: cpus()[0]?.model.trim() ?? "unknown",
      memoryGib: Math.round(totalmem() / 1024 ** 3),
      kernel: release(),
      node: process.versions.node,
    },
  };
}

function describeRun({ name }: Shape, { round, contestant, step, wallSeconds }: Run, rounds: number): string {
  return `bench: ${name}, round ${round + 1} of ${rounds}: ${contestant}: ${step}, ${wallSeconds.toFixed(2)} s`;
}

function writePage(): void {
  writeFileSync(join(root, "docs", "performance.md"), renderPage());
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
