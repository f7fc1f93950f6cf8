// One volume twice, nothing changed between: the second time the agent has the repository open, and a process has not.
import { execFileSync } from "node:child_process";
import { type Run, rounded } from "../against-peers/results.ts";
import type { MeasureOptions } from "../against-peers/shape.ts";
import { again, backup } from "../against-peers/steps.ts";
import { measure } from "../pipeline/measured-process.ts";
import { measureInAgentTurns, type TurnRun } from "./in-agent-turns.ts";

const stepNames = [backup.name, again.name];

export async function measureUnchanged(options: MeasureOptions): Promise<Run[]> {
  return await measureInAgentTurns(options, {
    trees: [options.corpus],
    withAgent: async (bench, volumes) => await eachStep(async (step) => ({ step, ...(await bench.backUp(volumes)) })),
    withProgram: async (session, volumes, storedBytes) =>
      await eachStep(async (step) => {
        execFileSync("sync");
        const measured = await measure(session.backup(volumes[0]?.path ?? ""), session.env);
        return { step, ...rounded(measured), storedBytes: storedBytes() };
      }),
  });
}

async function eachStep(run: (step: string) => Promise<TurnRun>): Promise<TurnRun[]> {
  const runs: TurnRun[] = [];
  for (const step of stepNames) runs.push(await run(step));
  return runs;
}
