// A volume policy: what a Backup does with which volumes, as a list whose first matching entry decides. A pure value; it
// comes out of a ConfigMap (parse-volume-policy.ts).
import type { CsiSource, NfsSource, PersistentVolume, PersistentVolumeClaim, Volume } from "../../../api/core.ts";
import { parseQuantity } from "../../../platform/quantity.ts";

export type PolicyAction = "fs-backup" | "skip" | "snapshot" | "custom";

/** Conditions of one entry: all that are given must hold. */
export interface PolicyConditions {
  /** Bytes, both ends included; an end that is absent is open. */
  readonly capacity?: { readonly lowest?: number; readonly highest?: number };
  readonly storageClass?: readonly string[];
  readonly nfs?: { readonly server?: string; readonly path?: string };
  readonly csi?: { readonly driver?: string; readonly volumeAttributes?: Readonly<Record<string, string>> };
  /** Names of volume sources, "csi" or "emptyDir" for example. */
  readonly volumeTypes?: readonly string[];
  readonly pvcLabels?: Readonly<Record<string, string>>;
  readonly pvcPhase?: readonly string[];
}

export interface PolicyEntry {
  readonly conditions: PolicyConditions;
  readonly action: PolicyAction;
}

export interface VolumePolicy {
  readonly entries: readonly PolicyEntry[];
}

/** What is known about a pod's volume. */
export interface VolumeFacts {
  /** Absent for a claim that no pod uses. */
  readonly volume?: Volume;
  readonly claim: PersistentVolumeClaim | undefined;
  readonly persistentVolume: PersistentVolume | undefined;
}

/** The action of the first entry whose conditions all hold; undefined when none does. */
export function actionOf(policy: VolumePolicy, facts: VolumeFacts): PolicyAction | undefined {
  return policy.entries.find(({ conditions }) => holds(conditions, facts))?.action;
}

/**
 * A volume with a claim is judged by its persistent volume, others by themselves: they have no storage class. A claim that is not bound yet has the class that it asks for, and no other property.
 */
function holds(conditions: PolicyConditions, { volume, claim, persistentVolume }: VolumeFacts): boolean {
  const { capacity, storageClass, nfs, csi, volumeTypes, pvcLabels, pvcPhase } = conditions;
  const source = claim === undefined ? volume : persistentVolume?.spec;
  return (
    (capacity === undefined || isWithin(capacity, persistentVolume)) &&
    (storageClass === undefined || storageClass.includes(storageClassOf(claim, persistentVolume))) &&
    (nfs === undefined || isNfs(nfs, source?.nfs)) &&
    (csi === undefined || isCsi(csi, source?.csi)) &&
    (volumeTypes === undefined || volumeTypes.some((type) => hasSource([persistentVolume?.spec, volume], type))) &&
    (pvcLabels === undefined || holdsAll(pvcLabels, claim?.metadata.labels)) &&
    (pvcPhase === undefined || pvcPhase.includes(claim?.status?.phase ?? ""))
  );
}

/** A volume whose size is not known counts as one of 0 bytes, as with Velero: "0,10Gi" holds for an emptyDir. */
function isWithin(
  { lowest = 0, highest = Number.POSITIVE_INFINITY }: NonNullable<PolicyConditions["capacity"]>,
  persistentVolume: PersistentVolume | undefined,
): boolean {
  const bytes = parseQuantity(persistentVolume?.spec?.capacity?.storage ?? "") ?? 0;
  return bytes >= lowest && bytes <= highest;
}

/** "" for none, which no condition can name. */
function storageClassOf(
  claim: PersistentVolumeClaim | undefined,
  persistentVolume: PersistentVolume | undefined,
): string {
  return persistentVolume?.spec?.storageClassName ?? claim?.spec?.storageClassName ?? "";
}

function isNfs(wanted: NonNullable<PolicyConditions["nfs"]>, found: NfsSource | null | undefined): boolean {
  if (found === undefined || found === null) return false;
  return isWanted(wanted.server, found.server) && isWanted(wanted.path, found.path);
}

function isCsi(wanted: NonNullable<PolicyConditions["csi"]>, found: CsiSource | null | undefined): boolean {
  if (found === undefined || found === null) return false;
  return isWanted(wanted.driver, found.driver) && holdsAll(wanted.volumeAttributes ?? {}, found.volumeAttributes);
}

/** An absent or empty wish is met by everything. */
function isWanted(wanted: string | undefined, found: string | undefined): boolean {
  return wanted === undefined || wanted === "" || wanted === found;
}

function holdsAll(wanted: Readonly<Record<string, string>>, found: Readonly<Record<string, string>> = {}): boolean {
  return Object.entries(wanted).every(([key, value]) => found[key] === value);
}

/** A generic ephemeral volume has two: its own, and that of its claim's persistent volume. */
function hasSource(places: readonly (object | undefined)[], type: string): boolean {
  // The only source whose field is not named as its type.
  const field = type === "storageOS" ? "storageos" : type;
  return places.some((place) => ((place as Readonly<Record<string, unknown>> | undefined)?.[field] ?? null) !== null);
}
