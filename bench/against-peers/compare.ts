// One shape through all contestants, one after the other, round by round; who begins changes with each round. Before a clock
// starts, what others have written is on the disk and the source is in the page cache.
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { measure } from "../pipeline/measured-process.ts";
import type { Contestant } from "./contestants.ts";
import type { Run } from "./results.ts";
import type { Shape } from "./shapes.ts";
import type { Step } from "./steps.ts";
import { openDirectoryStore, type Store, startS3Store } from "./store.ts";
import { Turn } from "./turn.ts";

export interface CompareOptions {
  readonly shape: Shape;
  readonly contestants: readonly Contestant[];
  /** The shape's data. */
  readonly corpus: string;
  /** For repositories, caches and restored files; removed at the end. */
  readonly folder: string;
  readonly rounds: number;
  readonly scale: number;
  readonly onRun: (run: Run) => void;
}

export async function compare(options: CompareOptions): Promise<Run[]> {
  const { shape, contestants, folder, rounds, scale, onRun } = options;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const { delayMs } = shape;
  const store = delayMs === undefined ? openDirectoryStore(join(folder, "repositories")) : await startS3Store(delayMs);
  const runs: Run[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      const first = round % contestants.length;
      for (const contestant of [...contestants.slice(first), ...contestants.slice(0, first)]) {
        const turn = new Turn({ ...options, contestant, store, onCopy: shape.onCopy === true });
        await turn.newRepository();
        for (const step of shape.steps(scale)) {
          if (step.only !== undefined && step.only !== contestant.name) continue;
          const run = { round, ...(await runStep(step, turn, store)) };
          runs.push(run);
          onRun(run);
        }
        turn.end();
      }
    }
  } finally {
    await store.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  return runs;
}

async function runStep(step: Step, turn: Turn, store: Store): Promise<Omit<Run, "round">> {
  await step.prepare?.(turn);
  const words = await step.command(turn);
  // What was written before goes to the disk now, not while the clock runs.
  execFileSync("sync");
  const before = store.traffic();
  const measured = await measure([...(step.cores === 1 ? ["taskset", "-c", "0"] : []), ...words], turn.session.env);
  const after = store.traffic();
  step.tidy?.(turn);
  const { wallSeconds, cpuSeconds, peakMib, readBytes } = measured;
  return {
    step: step.name,
    contestant: turn.contestant.name,
    wallSeconds: Math.round(wallSeconds * 1000) / 1000,
    cpuSeconds: Math.round(cpuSeconds * 100) / 100,
    peakMib: Math.round(peakMib),
    readBytes,
    ...(step.writes ? { storedBytes: turn.storedBytes() } : {}),
    ...(before === undefined || after === undefined
      ? {}
      : {
          requests: after.requests - before.requests,
          sentBytes: after.sentBytes - before.sentBytes,
          fetchedBytes: after.fetchedBytes - before.fetchedBytes,
        }),
  };
}
