// Is the container's memory limit one with which the agent gets along?

import { type Check, type Finding, ok, type Patient, warning } from "./finding.ts";

export const memoryLimit: Check = { name: "memory-limit", from: "pod", run: lookAtLimit };

const enoughBytes = 256 * 1024 ** 2;

function lookAtLimit({ memoryLimitBytes }: Patient): Promise<Finding> {
  return Promise.resolve(judge(memoryLimitBytes));
}

function judge(limitBytes: number | undefined): Finding {
  if (limitBytes === undefined) return ok("the container has no memory limit");
  const limitMiB = Math.floor(limitBytes / 1024 ** 2);
  if (limitBytes >= enoughBytes) return ok(`the container may use ${limitMiB} MiB`);
  return warning(
    `the container may use ${limitMiB} MiB; large repositories and several volumes at a time take more`,
    "set resources.limits.memory to 256Mi or more (docs/performance.md has measured figures), or leave it out",
  );
}
