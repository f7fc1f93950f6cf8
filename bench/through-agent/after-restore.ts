// One volume that is lost, put back by the agent and at once backed up again: who made the files knows what is in them.
import type { Run } from "../against-peers/results.ts";
import type { MeasureOptions } from "../against-peers/shape.ts";
import { afterRestore, backup } from "../against-peers/steps.ts";
import { measureInAgentTurns } from "./in-agent-turns.ts";

/** By ours alone. */
export async function measureAfterRestore(options: MeasureOptions): Promise<Run[]> {
  return await measureInAgentTurns(options, {
    trees: [options.corpus],
    arePodsWaiting: true,
    withAgent: async (bench, volumes) => {
      const first = await bench.backUp(volumes);
      await bench.loseAndRestore(volumes);
      const second = await bench.backUp(volumes);
      return [
        { step: backup.name, ...first },
        { step: afterRestore.name, ...second },
      ];
    },
  });
}
