// Is what is mounted really the pods directory of this node's kubelet? Distributions put it into different places.

import { access } from "node:fs/promises";
import type { Node } from "../../src/api/core.ts";
import { nodes } from "../../src/api/resources.ts";
import { asCodedError, messageOf } from "../../src/platform/coded-error.ts";
import { checkHostPods } from "../host-volumes/check-host-pods.ts";
import { type Distribution, distributionOf, usualKubeletRoot } from "./distributions.ts";
import { type Check, type Finding, ok, type Patient, skipped, stopsWork } from "./finding.ts";

export const kubeletRoot: Check = { name: "kubelet-root", from: "pod", run: compareWithPods };

async function compareWithPods(patient: Patient, signal: AbortSignal): Promise<Finding> {
  const { client, clock, hostPodsDir, nodeName } = patient;
  const isThere = await access(hostPodsDir).then(
    () => true,
    () => false,
  );
  if (!isThere) return skipped(`${hostPodsDir} does not exist`);
  try {
    await checkHostPods({ client, clock, hostPodsDir, nodeName, signal });
    return ok(`${hostPodsDir} has a directory for every running pod of node ${nodeName}`);
  } catch (error) {
    if (asCodedError(error)?.code !== "host-pods-mismatch") throw error;
    return stopsWork(messageOf(error), await adviceFor(patient, signal));
  }
}

async function adviceFor({ client, nodeName }: Patient, signal: AbortSignal): Promise<string> {
  // The advice is better with the node's own words, but there is one without them, too.
  const node = await client.find(nodes, { name: nodeName }, { signal }).catch(() => undefined);
  const distribution = node === undefined ? undefined : distributionOf(node as Node);
  return `mount the kubelet's pods directory there: ${placeOf(distribution)}`;
}

function placeOf(distribution: Distribution | undefined): string {
  if (distribution === undefined) return `${usualKubeletRoot}/pods, unless the kubelet has a --root-dir`;
  const { name, kubeletRoot: root, overlay } = distribution;
  return `the node looks like ${name}, whose kubelet uses ${root}/pods (deploy/overlays/${overlay})`;
}
