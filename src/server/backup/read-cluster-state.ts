// Reads what planning a Backup needs from the API server, once.

import type { BackupSpec } from "../../api/backup.ts";
import type { Namespace } from "../../api/core.ts";
import { nodeAgentName } from "../../api/names.ts";
import { namespaces, persistentVolumeClaims, persistentVolumes, pods } from "../../api/resources.ts";
import type { TypedClient } from "../../kube/typed-client.ts";
import { chooseNamespaces } from "./choose-namespaces.ts";
import type { ClusterState } from "./plan-volumes.ts";

export interface ClusterReader {
  readonly client: TypedClient;
  /** Where Velero's resources and the node agents live. */
  readonly namespace: string;
}

/** Pods and claims of the chosen namespaces, in the order of their names. */
export async function readClusterState(
  spec: BackupSpec,
  reader: ClusterReader,
  signal: AbortSignal,
): Promise<ClusterState & { readonly namespaces: readonly Namespace[] }> {
  const { client } = reader;
  const existing = (await client.list(namespaces, { signal })).items;
  const chosen = chooseNamespaces(existing, spec);
  const state = { pods: [] as ClusterState["pods"][number][], claims: new Map(), persistentVolumes: new Map() };
  for (const namespace of chosen) {
    const found = (await client.list(pods, { namespace, signal })).items;
    state.pods.push(...found.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)));
    for (const claim of (await client.list(persistentVolumeClaims, { namespace, signal })).items) {
      state.claims.set(`${namespace}/${claim.metadata.name}`, claim);
    }
  }
  if (state.claims.size > 0) {
    for (const volume of (await client.list(persistentVolumes, { signal })).items)
      state.persistentVolumes.set(volume.metadata.name, volume);
  }
  return { ...state, namespaces: existing, agentNodes: await nodesWithAgent(reader, signal) };
}

/** Nodes with a running agent pod. Velero up to 1.15 looks at the label `name`, later ones at `role`: either will do. */
async function nodesWithAgent({ client, namespace }: ClusterReader, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const nodes = new Set<string>();
  for (const label of ["name", "role"]) {
    const { items } = await client.list(pods, { namespace, labelSelector: `${label}=${nodeAgentName}`, signal });
    for (const pod of items) {
      const running = pod.status?.phase === "Running" && pod.metadata.deletionTimestamp === undefined;
      if (running && pod.spec?.nodeName !== undefined) nodes.add(pod.spec.nodeName);
    }
  }
  return nodes;
}
