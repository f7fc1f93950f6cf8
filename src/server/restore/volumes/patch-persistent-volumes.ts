// Volumes that were provisioned anew get back what the old ones had and a provisioner does not know: their reclaim policy
// and their labels (velero-contract §7.6).
import type { PersistentVolume, PersistentVolumeClaim } from "../../../api/core.ts";
import type { KubeObject, Resource } from "../../../api/kube-object.ts";
import { persistentVolumeClaims, persistentVolumes } from "../../../api/resources.ts";
import { keyOfObject } from "../../../kube/kube-object.ts";
import { messageOf } from "../../../platform/coded-error.ts";
import { formatDuration } from "../../../platform/duration.ts";
import type { RunLog } from "../../run-log/run-log.ts";
import type { RestoreContext } from "../restore-context.ts";

/** A claim that was restored without its volume, and what that volume had. */
export interface ClaimToFinish {
  readonly namespace: string;
  readonly name: string;
  readonly reclaimPolicy: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface PatchVolumesOptions {
  readonly context: Pick<RestoreContext, "client" | "clock" | "settings">;
  readonly log: RunLog;
  readonly signal: AbortSignal;
}

interface StorageClass extends KubeObject {
  readonly volumeBindingMode?: string;
}

const storageClasses: Resource<StorageClass> = {
  group: "storage.k8s.io",
  version: "v1",
  kind: "StorageClass",
  plural: "storageclasses",
  isNamespaced: false,
};

const pollMs = 1000;

/** What does not come about within --resource-timeout is an error in the log; nothing else rejects but the signal. */
export async function patchPersistentVolumes(
  claims: readonly ClaimToFinish[],
  options: PatchVolumesOptions,
): Promise<void> {
  const { clock, settings } = options.context;
  const startMs = clock.monotonicMs();
  let waiting = claims.filter(({ reclaimPolicy, labels }) => reclaimPolicy !== "" || Object.keys(labels).length > 0);
  for (;;) {
    const unfinished: ClaimToFinish[] = [];
    for (const claim of waiting) if (!(await tryPatch(claim, options))) unfinished.push(claim);
    waiting = unfinished;
    if (waiting.length === 0) return;
    if (clock.monotonicMs() - startMs >= settings.resourceTimeoutMs) break;
    await clock.sleep(pollMs, options.signal);
  }
  for (const claim of waiting) {
    const time = formatDuration(settings.resourceTimeoutMs);
    const message = `claim ${claim.namespace}/${claim.name} was not bound to a volume within ${time}: that volume gets neither the reclaim policy ${claim.reclaimPolicy} nor the labels of the old one`;
    options.log.error({ namespace: claim.namespace }, message);
  }
}

/** True when there is nothing more to do. */
async function tryPatch(wanted: ClaimToFinish, options: PatchVolumesOptions): Promise<boolean> {
  const { log, signal, context } = options;
  const { namespace, name } = wanted;
  try {
    const claim = await context.client.find(persistentVolumeClaims, { namespace, name }, { signal });
    if (claim === undefined) {
      log.log.warn("a restored claim was deleted, so nothing is done to its volume", { claim: `${namespace}/${name}` });
      return true;
    }
    if (claim.status?.phase !== "Bound") return await isLeftToFirstPod(claim, options);
    return await patchVolumeOf(claim, wanted, options);
  } catch (error) {
    signal.throwIfAborted();
    log.error({ namespace }, `the volume of claim ${namespace}/${name} cannot be changed: ${messageOf(error)}`);
    return true;
  }
}

async function patchVolumeOf(
  claim: PersistentVolumeClaim,
  { reclaimPolicy, labels }: ClaimToFinish,
  { log, signal, context }: PatchVolumesOptions,
): Promise<boolean> {
  const name = claim.spec?.volumeName ?? "";
  const volume = await context.client.find(persistentVolumes, { name }, { signal });
  if (volume === undefined) return false;
  const { claimRef } = volume.spec ?? {};
  if (claimRef?.namespace !== claim.metadata.namespace || claimRef?.name !== claim.metadata.name)
    throw new Error(`PersistentVolume ${name} belongs to claim ${claimRef?.namespace}/${claimRef?.name}`);
  const patch = changesOf(volume, { reclaimPolicy, labels });
  if (patch === undefined) return true;
  await context.client.mergePatch(persistentVolumes, { name }, patch, { signal });
  log.log.info("a new volume got the reclaim policy and labels of the old one", { volume: name });
  return true;
}

function changesOf(
  { metadata, spec }: PersistentVolume,
  { reclaimPolicy, labels }: Pick<ClaimToFinish, "reclaimPolicy" | "labels">,
): { readonly metadata?: object; readonly spec?: object } | undefined {
  const hasLabels = Object.entries(labels).every(([name, value]) => metadata.labels?.[name] === value);
  const hasPolicy = reclaimPolicy === "" || spec?.persistentVolumeReclaimPolicy === reclaimPolicy;
  if (hasLabels && hasPolicy) return undefined;
  return {
    ...(hasLabels ? {} : { metadata: { labels } }),
    ...(hasPolicy ? {} : { spec: { persistentVolumeReclaimPolicy: reclaimPolicy } }),
  };
}

/** A class that waits for the first pod may leave a claim unbound for ever when no pod was restored with it. */
async function isLeftToFirstPod(
  claim: PersistentVolumeClaim,
  { log, signal, context }: PatchVolumesOptions,
): Promise<boolean> {
  const name = claim.spec?.storageClassName ?? "";
  if (claim.metadata.annotations?.["volume.kubernetes.io/selected-node"] !== undefined || name === "") return false;
  const storageClass = await context.client.find(storageClasses, { name }, { signal });
  if (storageClass?.volumeBindingMode !== "WaitForFirstConsumer") return false;
  log.log.warn("a claim waits for its first pod; its volume will have the class's reclaim policy and no old labels", {
    claim: keyOfObject(claim),
  });
  return true;
}
