// On which nodes an agent is running: elsewhere nobody would touch a volume.
import { nodeAgentName } from "../../api/names.ts";
import { pods } from "../../api/resources.ts";
import type { TypedClient } from "../../kube/typed-client.ts";

export interface AgentReader {
  readonly client: Pick<TypedClient, "list">;
  /** Where the node agents live. */
  readonly namespace: string;
}

/** Nodes with a running agent pod. Velero up to 1.15 looks at the label `name`, later ones at `role`: either will do. */
export async function nodesWithAgent(
  { client, namespace }: AgentReader,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
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
