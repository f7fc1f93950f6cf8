// What the volumes of restored claims had in the Backup, for those that were provisioned anew.
import type { PersistentVolume } from "../../api/core.ts";
import { errorFacts } from "../../platform/coded-error.ts";
import type { RunLog } from "../run-log/run-log.ts";
import type { ReprovisionedClaim } from "./objects/restore-objects-options.ts";
import type { OpenedBackup } from "./open-backup.ts";
import type { ClaimToFinish } from "./volumes/patch-persistent-volumes.ts";

/** From the Backup's list of volumes; where that does not say, from the volume as it was saved. */
export async function claimsToFinish(
  reprovisioned: readonly ReprovisionedClaim[],
  { contents, volumeInfo = [] }: Pick<OpenedBackup, "contents" | "volumeInfo">,
  log: RunLog,
): Promise<readonly ClaimToFinish[]> {
  const infos = new Map(volumeInfo.map((entry) => [entry.pvName ?? "", entry.pvInfo]));
  const found: ClaimToFinish[] = [];
  for (const { claim, persistentVolume } of reprovisioned) {
    const info = infos.get(persistentVolume) ?? (await savedVolume(persistentVolume, contents, log));
    found.push({ ...claim, reclaimPolicy: info?.reclaimPolicy ?? "", labels: info?.labels ?? {} });
  }
  return found;
}

async function savedVolume(
  name: string,
  contents: Pick<OpenedBackup["contents"], "addresses" | "read">,
  log: RunLog,
): Promise<{ readonly reclaimPolicy?: string; readonly labels?: Readonly<Record<string, string>> } | undefined> {
  const resource = "persistentvolumes";
  if (!contents.addresses(resource).some((address) => address.name === name)) return undefined;
  try {
    const { metadata, spec } = (await contents.read(resource, { name })) as PersistentVolume;
    const reclaimPolicy = spec?.persistentVolumeReclaimPolicy;
    return { ...(reclaimPolicy === undefined ? {} : { reclaimPolicy }), labels: metadata.labels ?? {} };
  } catch (error) {
    log.log.warn("a volume of the backup cannot be read", { volume: name, ...errorFacts(error) });
    return undefined;
  }
}
