// `npm run bench -- [--scale FRACTION] [ROUNDS] [SHAPE…]`: ours against restic and kopia on this machine, whole processes, in
// turn. Results go to bench/results, the page that is made of them to docs/performance.md; scaled trials are only printed.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, release, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compare } from "./against-peers/compare.ts";
import { contestants } from "./against-peers/contestants.ts";
import { prepareCorpus } from "./against-peers/corpora.ts";
import { requireRoom } from "./against-peers/disk-space.ts";
import { renderPage, renderSection } from "./against-peers/page.ts";
import { type Run, type ShapeResult, saveResult } from "./against-peers/results.ts";
import { runUnmeasured } from "./against-peers/run-unmeasured.ts";
import { type Shape, selectShapes, shapes } from "./against-peers/shapes.ts";
import { measureKernels } from "./micro/kernels.ts";

const root = join(import.meta.dirname, "..");
const folder = join(tmpdir(), "stowage-bench");
const scratch = join(folder, "scratch");
const usualRounds = 5;

const usage = `npm run bench -- [--scale FRACTION] [ROUNDS] [SHAPE…]
  ROUNDS    default ${usualRounds}
  SHAPE     ${shapes.map(({ name }) => name).join(", ")}; "s3" is all that begin with it;
            default: ${selectShapes([])
              .map(({ name }) => name)
              .join(", ")}
  --scale   such as 0.01: smaller data, for a trial; nothing is written down
  --render  only write docs/performance.md anew from bench/results
`;

interface Plan {
  readonly rounds: number;
  readonly scale: number;
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
  const options = { scale: { type: "string" }, render: { type: "boolean" }, help: { type: "boolean" } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  if (values.help) process.stdout.write(usage);
  else if (values.render) writePage();
  else await measureShapes(planOf(positionals, values.scale));
}

function planOf(words: readonly string[], scaleText = "1"): Plan {
  const [first = ""] = words;
  const hasRounds = /^\d+$/.test(first);
  const rounds = hasRounds ? Number(first) : usualRounds;
  const scale = Number(scaleText);
  if (!(rounds >= 1 && scale > 0 && scale <= 1)) throw new Error(`wrong number\n${usage}`);
  return { rounds, scale, selected: selectShapes(hasRounds ? words.slice(1) : words) };
}

async function measureShapes({ rounds, scale, selected }: Plan): Promise<void> {
  const minutes = selected.reduce((sum, shape) => sum + shape.minutesPerRound * rounds, 0) * scale;
  const names = selected.map(({ name }) => name).join(", ");
  say(`bench: ${names}; rounds: ${rounds}; about ${Math.ceil(minutes)} min on two cores that do nothing else`);
  mkdirSync(folder, { recursive: true });
  for (const { corpus, onCopy = false } of selected) requireRoom({ corpus, scale, onCopy, folder });
  await runUnmeasured([process.execPath, join(root, ".ci", "build.mjs")]);
  const programs = await contestants();
  say("bench: kernels");
  const kernels = await measureKernels();
  for (const shape of selected) {
    say(`bench: ${shape.name}: ${shape.what}`);
    const { directory: corpus, contents } = prepareCorpus(shape.corpus, folder, scale);
    const onRun = (run: Run): void => say(describeRun(shape, run, rounds));
    const runs = await compare({ shape, contestants: programs, corpus, folder: scratch, rounds, scale, onRun });
    const versions = Object.fromEntries(
      programs.map(({ name, version }) => [name, version]),
    ) as ShapeResult["versions"];
    const result: ShapeResult = { ...circumstances(shape, rounds, scale), contents, kernels, versions, runs };
    process.stdout.write(`${renderSection(shape, result)}\n`);
    if (scale < 1) continue;
    saveResult(result);
    writePage();
  }
  if (scale < 1) say("bench: a trial at reduced size; nothing was written down");
}

function circumstances(
  shape: Shape,
  rounds: number,
  scale: number,
): Pick<ShapeResult, "shape" | "command" | "date" | "rounds" | "scale" | "machine"> {
  return {
    shape: shape.name,
    command: `npm run bench -- ${scale === 1 ? "" : `--scale ${scale} `}${rounds} ${shape.name}`,
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
