// Is anything there where the kubelet's pods directory ought to be mounted?

import { readdir } from "node:fs/promises";
import { messageOf } from "../../src/platform/coded-error.ts";
import { type Check, type Finding, ok, type Patient, stopsWork } from "./finding.ts";

export const hostPods: Check = { name: "host-pods", from: "pod", run: lookAtHostPods };

const remedy =
  "give the agent's pod a hostPath volume of <kubelet root>/pods, mounted at the path that --host-pods-dir names";

async function lookAtHostPods({ hostPodsDir }: Patient): Promise<Finding> {
  try {
    const entries = await readdir(hostPodsDir);
    return ok(`${hostPodsDir} is there, with ${entries.length} ${entries.length === 1 ? "entry" : "entries"}`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return stopsWork(`${hostPodsDir} does not exist here: nothing is mounted there`, remedy);
    return stopsWork(`${hostPodsDir} cannot be read: ${messageOf(error)}`, remedy);
  }
}
