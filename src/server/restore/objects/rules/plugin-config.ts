// ConfigMaps that change restored objects, found by their labels in the server's namespace as Velero finds those of its
// built-in plugins: `velero.io/plugin-config` and `<plugin>: RestoreItemAction`.
import type { ConfigMap } from "../../../../api/core.ts";
import { configMaps } from "../../../../api/resources.ts";
import type { TypedClient } from "../../../../kube/typed-client.ts";

export interface PluginConfig {
  readonly data: Readonly<Record<string, string>>;
  /** More than one has the labels: which of them counts nobody can say. */
  readonly problem?: string;
}

export interface PluginConfigSource {
  readonly client: Pick<TypedClient, "list">;
  /** The server's. */
  readonly namespace: string;
  readonly signal: AbortSignal;
}

/** @param plugin "velero.io/change-storage-class". @throws KubeError */
export async function readPluginConfig(plugin: string, source: PluginConfigSource): Promise<PluginConfig> {
  const { client, namespace, signal } = source;
  const labelSelector = `velero.io/plugin-config,${plugin}=RestoreItemAction`;
  const { items } = await client.list<ConfigMap>(configMaps, { namespace, labelSelector, signal });
  if (items.length > 1) {
    const names = items.map(({ metadata }) => metadata.name).toSorted();
    return { data: {}, problem: `more than one ConfigMap has the label ${plugin}: ${names.join(", ")}` };
  }
  return { data: items[0]?.data ?? {} };
}
