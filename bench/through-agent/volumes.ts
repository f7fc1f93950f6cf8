// Many small volumes: the agent, which keeps the repository open, against one process for each volume, as Velero starts
// them, one after the other.
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type Run, rounded } from "../against-peers/results.ts";
import type { MeasureOptions } from "../against-peers/shape.ts";
import { measure } from "../pipeline/measured-process.ts";
import { measureInAgentTurns } from "./in-agent-turns.ts";

export const volumesStep = "backup of all volumes";

/** @param options whose corpus has a folder for each volume. */
export async function measureVolumes(options: MeasureOptions): Promise<Run[]> {
  return await measureInAgentTurns(options, {
    trees: readdirSync(options.corpus).map((name) => join(options.corpus, name)),
    withAgent: async (bench, volumes) => [{ step: volumesStep, ...(await bench.backUp(volumes)) }],
    withProgram: async (session, volumes, storedBytes) => {
      const sum = { wallSeconds: 0, cpuSeconds: 0, peakMib: 0, readBytes: 0 };
      execFileSync("sync");
      for (const { path } of volumes) {
        const one = await measure(session.backup(path), session.env);
        sum.wallSeconds += one.wallSeconds;
        sum.cpuSeconds += one.cpuSeconds;
        sum.readBytes += one.readBytes;
        sum.peakMib = Math.max(sum.peakMib, one.peakMib);
      }
      return [{ step: volumesStep, ...rounded(sum), storedBytes: storedBytes() }];
    },
  });
}
