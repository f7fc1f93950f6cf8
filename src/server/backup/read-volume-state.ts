// Reads what choosing volumes needs beside the pods from the API server, once for a Backup.
import type { Namespace, PersistentVolume, PersistentVolumeClaim } from "../../api/core.ts";
import { namespaces, persistentVolumeClaims, persistentVolumes } from "../../api/resources.ts";
import type { AnyKubeObject, ResourceDescriptor } from "../../kube/kube-object.ts";
import type { TypedClient } from "../../kube/typed-client.ts";
import { nodesWithAgent } from "../volume-work/agent-nodes.ts";
import type { ClusterState } from "./volumes/plan-volumes.ts";

export interface ClusterReader {
  readonly client: Pick<TypedClient, "list">;
  /** Where Velero's resources and the node agents live. */
  readonly namespace: string;
}

/** Beyond so many namespaces one list of the whole cluster is cheaper than a list of each. */
const maxSingleLists = 10;

export async function readNamespaces({ client }: ClusterReader, signal: AbortSignal): Promise<readonly Namespace[]> {
  return (await client.list(namespaces, { signal })).items;
}

/** What is the same for all pods of a Backup. */
export type VolumeState = Omit<ClusterState, "pods">;

/** Claims of the chosen namespaces, what they may be bound to, and where agents run. */
export async function readVolumeState(
  chosen: readonly string[],
  reader: ClusterReader,
  signal: AbortSignal,
): Promise<VolumeState> {
  const foundClaims = await listIn<PersistentVolumeClaim>(persistentVolumeClaims, chosen, { reader, signal });
  const volumes: readonly PersistentVolume[] =
    foundClaims.length === 0 ? [] : (await reader.client.list(persistentVolumes, { signal })).items;
  return {
    claims: new Map(foundClaims.map((claim) => [`${claim.metadata.namespace}/${claim.metadata.name}`, claim])),
    persistentVolumes: new Map(volumes.map((volume) => [volume.metadata.name, volume])),
    agentNodes: await nodesWithAgent(reader, signal),
  };
}

async function listIn<T extends AnyKubeObject>(
  resource: ResourceDescriptor<T>,
  chosen: readonly string[],
  { reader, signal }: { readonly reader: ClusterReader; readonly signal: AbortSignal },
): Promise<T[]> {
  const found: T[] = [];
  if (chosen.length > maxSingleLists) {
    const wanted = new Set(chosen);
    const { items } = await reader.client.list(resource, { signal });
    found.push(...items.filter((item) => wanted.has(item.metadata.namespace ?? "")));
  } else {
    for (const namespace of chosen) found.push(...(await reader.client.list(resource, { namespace, signal })).items);
  }
  return found;
}
