// Of several BackupStorageLocations that say they are the default, the one that said so last is meant.
import type { BackupStorageLocation } from "../../api/backup-storage-location.ts";
import { parseTimestamp } from "../../platform/clock.ts";

/** metav1.ManagedFieldsEntry, as far as it is looked at here. */
interface ManagedFields {
  readonly time?: string;
  readonly fieldsV1?: Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>;
}

/** All defaults but the newest. */
export function surplusDefaults(locations: readonly BackupStorageLocation[]): BackupStorageLocation[] {
  return locations
    .filter(({ spec }) => spec.default === true)
    .toSorted((a, b) => defaultSinceMs(b) - defaultSinceMs(a) || (a.metadata.name < b.metadata.name ? -1 : 1))
    .slice(1);
}

/**
 * When somebody last wrote `spec.default`, as the API server remembers it. Other writes, such as those of each validation,
 * do not count.
 */
function defaultSinceMs({ metadata }: BackupStorageLocation): number {
  const { managedFields = [] } = metadata as { readonly managedFields?: readonly ManagedFields[] };
  const times = managedFields
    .filter(({ fieldsV1 }) => fieldsV1?.["f:spec"]?.["f:default"] !== undefined)
    .flatMap(({ time }) => parseTimestamp(time) ?? []);
  return Math.max(parseTimestamp(metadata.creationTimestamp) ?? 0, ...times);
}
