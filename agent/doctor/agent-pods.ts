// The agents as the cluster sees them: the DaemonSet and its pods; from inside, this process' own pod.

import { hostname } from "node:os";
import type { Container, Pod, Volume } from "../../src/api/core.ts";
import type { KubeObject, Resource } from "../../src/api/kube-object.ts";
import { nodeAgentName } from "../../src/api/names.ts";
import { pods } from "../../src/api/resources.ts";
import type { Patient } from "./finding.ts";

export interface DaemonSet extends KubeObject {
  readonly spec?: {
    readonly template: {
      readonly spec?: {
        readonly serviceAccountName?: string;
        readonly volumes?: readonly Volume[];
        readonly containers: readonly Container[];
      };
    };
  };
  readonly status?: {
    readonly desiredNumberScheduled?: number;
    readonly numberReady?: number;
  };
}

const daemonSets: Resource<DaemonSet> = {
  group: "apps",
  version: "v1",
  kind: "DaemonSet",
  plural: "daemonsets",
  isNamespaced: true,
};

export type AgentsQuery = Pick<Patient, "client" | "namespace">;

/** Undefined when the agent is not installed. */
export async function findDaemonSet(
  { client, namespace }: AgentsQuery,
  signal: AbortSignal,
): Promise<DaemonSet | undefined> {
  return await client.find(daemonSets, { namespace, name: nodeAgentName }, { signal });
}

/** Undefined when the agent is not installed. */
export async function agentServiceAccount(query: AgentsQuery, signal: AbortSignal): Promise<string | undefined> {
  const daemonSet = await findDaemonSet(query, signal);
  return daemonSet === undefined ? undefined : (daemonSet.spec?.template.spec?.serviceAccountName ?? "default");
}

export async function listAgentPods({ client, namespace }: AgentsQuery, signal: AbortSignal): Promise<readonly Pod[]> {
  const { items } = await client.list(pods, { namespace, labelSelector: `name=${nodeAgentName}`, signal });
  return items;
}

/** The pod in which this process runs; undefined when it runs in none. */
export async function findOwnPod(
  query: AgentsQuery & Pick<Patient, "nodeName">,
  signal: AbortSignal,
): Promise<Pod | undefined> {
  const ofNode = (await listAgentPods(query, signal)).filter(
    ({ spec, metadata }) => spec?.nodeName === query.nodeName && metadata.deletionTimestamp === undefined,
  );
  // A pod's host name is its own name, unless it uses the host's network.
  const named = ofNode.find(({ metadata }) => metadata.name === hostname());
  return named ?? (ofNode.length === 1 ? ofNode[0] : undefined);
}
