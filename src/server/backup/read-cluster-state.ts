// Reads what planning a Backup needs from the API server, once.
import type { Namespace, PersistentVolume, PersistentVolumeClaim, Pod } from "../../api/core.ts";
import { namespaces, persistentVolumeClaims, persistentVolumes, pods } from "../../api/resources.ts";
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

/** Pods and claims of the chosen namespaces, pods in the order of namespace and name. */
export async function readClusterState(
  chosen: readonly string[],
  reader: ClusterReader,
  signal: AbortSignal,
): Promise<ClusterState> {
  const foundPods = await listIn<Pod>(pods, chosen, { reader, signal });
  const foundClaims = await listIn<PersistentVolumeClaim>(persistentVolumeClaims, chosen, { reader, signal });
  const volumes: readonly PersistentVolume[] =
    foundClaims.length === 0 ? [] : (await reader.client.list(persistentVolumes, { signal })).items;
  return {
    pods: foundPods,
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
  return found.sort((a, b) => (orderKey(a) < orderKey(b) ? -1 : 1));
}

/** Sorts like namespace, then name: a blank comes before every character of a name. */
function orderKey({ metadata }: AnyKubeObject): string {
  return `${metadata.namespace} ${metadata.name}`;
}
