// At start: is the kubelet's pods directory really what is mounted? A wrong path would make every volume look missing.

import { access } from "node:fs/promises";
import { join } from "node:path";
import type { Pod } from "../../src/api/core.ts";
import { pods } from "../../src/api/resources.ts";
import type { TypedClient } from "../../src/kube/typed-client.ts";
import type { Clock } from "../../src/platform/clock.ts";
import { ConfigError } from "../../src/platform/config-error.ts";
import { hostUidOf } from "./locate-pod-volume.ts";

export interface HostPodsCheck {
  readonly client: Pick<TypedClient, "list">;
  readonly clock: Clock;
  readonly hostPodsDir: string;
  readonly nodeName: string;
  readonly signal: AbortSignal;
}

const attempts = 5;
const pauseMs = 2000;

/**
 * Every Running pod of this node must have a directory. Pods that start or end at this moment do not, so it looks again
 * a few times.
 * @returns false when the directory itself is missing: volumes cannot be backed up, but that may be on purpose.
 * @throws ConfigError "host-pods-mismatch"
 */
export async function checkHostPods(check: HostPodsCheck): Promise<boolean> {
  if (!(await exists(check.hostPodsDir))) return false;
  for (let attempt = 1; ; attempt++) {
    const missing = await runningPodsWithoutDirectory(check);
    const [first] = missing;
    if (first === undefined) return true;
    if (attempt === attempts) {
      const name = `${first.metadata.namespace}/${first.metadata.name}`;
      throw new ConfigError(
        "host-pods-mismatch",
        `${check.hostPodsDir} is not the kubelet's pods directory of node ${check.nodeName}: it has no directory ${hostUidOf(first)} for the running pod ${name}`,
        { missing: missing.length },
      );
    }
    await check.clock.sleep(pauseMs, check.signal);
  }
}

async function runningPodsWithoutDirectory(check: HostPodsCheck): Promise<Pod[]> {
  const fieldSelector = `spec.nodeName=${check.nodeName},status.phase=Running`;
  const { items } = await check.client.list(pods, { fieldSelector, signal: check.signal });
  const missing: Pod[] = [];
  for (const pod of items) if (!(await exists(join(check.hostPodsDir, hostUidOf(pod))))) missing.push(pod);
  return missing;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
