// The volume policy that a Backup names: a ConfigMap beside it with one data key.
import type { BackupSpec } from "../../../api/backup.ts";
import { configMaps } from "../../../api/resources.ts";
import type { TypedClient } from "../../../kube/typed-client.ts";
import { parseVolumePolicy } from "./parse-volume-policy.ts";
import type { VolumePolicy } from "./volume-policy.ts";

export interface PolicyReading {
  /** Absent when none is named, or when it cannot be used. */
  readonly policy?: VolumePolicy;
  /** Sentences for `status.validationErrors`. */
  readonly problems: readonly string[];
}

export async function readVolumePolicy(
  reference: BackupSpec["resourcePolicy"],
  { client, namespace }: { readonly client: Pick<TypedClient, "find">; readonly namespace: string },
  signal: AbortSignal,
): Promise<PolicyReading> {
  if (reference === undefined || reference === null || reference.name === "") return { problems: [] };
  const { kind, name } = reference;
  if (kind.toLowerCase() !== "configmap")
    return { problems: [`spec.resourcePolicy.kind is ${JSON.stringify(kind)}; only configmap is known`] };
  const configMap = await client.find(configMaps, { namespace, name }, { signal });
  const place = `the volume policy in ConfigMap ${namespace}/${name}`;
  if (configMap === undefined) return { problems: [`${place} does not exist`] };
  const texts = Object.values(configMap.data ?? {});
  if (texts.length !== 1) return { problems: [`${place} has ${texts.length} data keys; it must have one`] };
  const { policy, problems } = parseVolumePolicy(texts[0] ?? "");
  if (policy === undefined) return { problems: problems.map((problem) => `${place}: ${problem}`) };
  return { policy, problems: [] };
}
