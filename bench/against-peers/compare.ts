// One shape through all contestants, one after the other, round by round; who begins changes with each round. Before a clock
// starts, what others have written is on the disk and the source is in the page cache.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { measure } from "../pipeline/measured-process.ts";
import { type Run, rounded } from "./results.ts";
import { inTurn, type MeasureOptions, type ProcessShape } from "./shape.ts";
import type { Step } from "./steps.ts";
import { openDirectoryStore, type Store, startS3Store } from "./store.ts";
import { Turn } from "./turn.ts";

export async function compare(shape: ProcessShape, options: MeasureOptions): Promise<Run[]> {
  const { contestants, folder, rounds, scale, onRun } = options;
  const { delayMs } = shape;
  const store = delayMs === undefined ? openDirectoryStore(join(folder, "repositories")) : await startS3Store(delayMs);
  const runs: Run[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      for (const contestant of inTurn(contestants, round)) {
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
  }
  return runs;
}

async function runStep(step: Step, turn: Turn, store: Store): Promise<Omit<Run, "round">> {
  await step.prepare?.(turn);
  const words = await step.command(turn);
  // What was written before goes to the disk now, not while the clock runs.
  execFileSync("sync");
  const before = store.traffic();
  const measured = await measure(words, turn.session.env);
  const after = store.traffic();
  step.tidy?.(turn);
  return {
    step: step.name,
    contestant: turn.contestant.name,
    ...rounded(measured),
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
