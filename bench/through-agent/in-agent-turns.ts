// The rounds of a shape that goes through the agent: the agent's turn, and those of the programs that it is held against.
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Contestant } from "../against-peers/contestants.ts";
import type { Run } from "../against-peers/results.ts";
import type { Session } from "../against-peers/session.ts";
import { inTurn, type MeasureOptions } from "../against-peers/shape.ts";
import { warmTree } from "../against-peers/turn.ts";
import { AgentBench, type BenchVolume } from "./agent-bench.ts";

/** What one turn has measured of each step. */
export type TurnRun = Omit<Run, "round" | "contestant">;

export interface AgentTurns {
  readonly trees: readonly string[];
  readonly withAgent: (bench: AgentBench, volumes: readonly BenchVolume[]) => Promise<TurnRun[]>;
  /** Pods are still in their init containers, so that volumes can be restored. */
  readonly arePodsWaiting?: boolean;
  /** Absent: no other program takes part. @param storedBytes of the repository, now. */
  readonly withProgram?: (
    session: Session,
    volumes: readonly BenchVolume[],
    storedBytes: () => number,
  ) => Promise<TurnRun[]>;
}

export async function measureInAgentTurns(options: MeasureOptions, turns: AgentTurns): Promise<Run[]> {
  const { contestants, rounds, folder, onRun } = options;
  const ours = contestants.find(({ name }) => name === "stowage");
  if (ours === undefined) throw new Error("bug: the agent takes no part");
  const bench = await AgentBench.start(ours.program);
  const runs: Run[] = [];
  try {
    const volumes = await bench.makeVolumes(turns.trees, turns.arePodsWaiting === true);
    for (let round = 0; round < rounds; round++) {
      for (const contestant of inTurn(contestants, round)) {
        for (const { path } of volumes) warmTree(path);
        const scratch = join(folder, contestant.name);
        const ofTurn =
          contestant === ours
            ? await agentTurn(bench, volumes, turns)
            : await programTurn({ bench, volumes, turns, contestant, scratch });
        for (const run of ofTurn.map((one) => ({ round, contestant: contestant.name, ...one }))) {
          runs.push(run);
          onRun(run);
        }
      }
    }
  } finally {
    await bench.stop();
  }
  return runs;
}

async function agentTurn(
  bench: AgentBench,
  volumes: readonly BenchVolume[],
  { withAgent }: AgentTurns,
): Promise<TurnRun[]> {
  await bench.beginTurn();
  try {
    return await withAgent(bench, volumes);
  } finally {
    await bench.endTurn();
  }
}

interface ProgramTurn {
  readonly bench: AgentBench;
  readonly volumes: readonly BenchVolume[];
  readonly turns: AgentTurns;
  readonly contestant: Contestant;
  readonly scratch: string;
}

async function programTurn({ bench, volumes, turns, contestant, scratch }: ProgramTurn): Promise<TurnRun[]> {
  mkdirSync(scratch, { recursive: true });
  const prefix = `${contestant.name}-alone`;
  try {
    const session = contestant.session(bench.place(prefix), scratch);
    await session.init();
    return (await turns.withProgram?.(session, volumes, () => bench.storedBytes(prefix))) ?? [];
  } finally {
    bench.removeStored(prefix);
    rmSync(scratch, { recursive: true, force: true });
  }
}
