// A restored claim either names its PersistentVolume or lets a new one be provisioned. It must not name one that is absent or
// belongs to another claim: it would stay pending for ever.
import type { PersistentVolume } from "../../../api/core.ts";
import { persistentVolumes } from "../../../api/resources.ts";
import type { TypedClient } from "../../../kube/typed-client.ts";
import type { BackupContents, ContentsIndex } from "./backup-contents.ts";
import { type MutableObject, removeAt, textAt } from "./json-fields.ts";
import { type BackedUpVolumes, volumeFate } from "./volume-fate.ts";

export interface ClaimVolumesOptions {
  readonly client: Pick<TypedClient, "find">;
  readonly contents: BackupContents;
  readonly index: ContentsIndex;
  readonly volumes: BackedUpVolumes;
  readonly signal: AbortSignal;
}

export interface ClaimDecision {
  /** Name in the Backup of the volume instead of which a new one is provisioned. */
  readonly reprovisioned?: string;
  readonly warning?: string;
}

/** Changes the claim in place. Its volume has been restored before, if it is to be. */
export async function decideClaimVolume(
  claim: MutableObject,
  target: { readonly source: string; readonly namespace: string },
  options: ClaimVolumesOptions,
): Promise<ClaimDecision> {
  const name = textAt(claim, "spec", "volumeName");
  if (name === undefined || name === "") return {};
  const stored = await storedVolume(name, options);
  const reclaimPolicy =
    stored?.spec?.persistentVolumeReclaimPolicy ??
    options.volumes.volumeInfo?.find(({ pvName }) => pvName === name)?.pvInfo?.reclaimPolicy;
  const known = { name, claim: { namespace: target.source, name: claim.metadata.name }, reclaimPolicy };
  const fate = volumeFate(known, options.volumes);
  if (!fate.isProvisionedAnew) return await keepOrLoose(claim, name, { namespace: target.namespace, options });
  loose(claim);
  return { reprovisioned: name, ...(fate.warning === undefined ? {} : { warning: fate.warning }) };
}

async function storedVolume(
  name: string,
  { contents, index }: ClaimVolumesOptions,
): Promise<PersistentVolume | undefined> {
  if (!index.has("persistentvolumes", { name })) return undefined;
  return (await contents.read("persistentvolumes", { name })) as PersistentVolume;
}

async function keepOrLoose(
  claim: MutableObject,
  name: string,
  { namespace, options }: { readonly namespace: string; readonly options: ClaimVolumesOptions },
): Promise<ClaimDecision> {
  const live = await options.client.find<PersistentVolume>(persistentVolumes, { name }, { signal: options.signal });
  const owner = live?.spec?.claimRef;
  const isUsable =
    live !== undefined &&
    (owner === undefined || (owner.namespace === namespace && owner.name === claim.metadata.name));
  if (isUsable) return {};
  loose(claim);
  const reason = live === undefined ? "is not in the cluster" : `belongs to claim ${owner?.namespace}/${owner?.name}`;
  return {
    warning: `volume ${name} of claim ${claim.metadata.name} ${reason}: the claim gets a new one, which is empty`,
  };
}

/** What the old volume was filled from says nothing about the new one. */
function loose(claim: MutableObject): void {
  for (const field of ["volumeName", "dataSource", "dataSourceRef"]) removeAt(claim, "spec", field);
}
