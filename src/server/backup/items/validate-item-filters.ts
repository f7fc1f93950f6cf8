// Checks the parts of a Backup's spec that choose its objects, before anything is read.
import type { BackupSpec } from "../../../api/backup.ts";

/** Sentences for status.validationErrors; empty when all is well. Namespaces are not looked at. */
export function validateItemFilters(spec: BackupSpec): readonly string[] {
  return spec.labelSelector && (spec.orLabelSelectors ?? []).length > 0
    ? ["spec.labelSelector and spec.orLabelSelectors exclude each other"]
    : [];
}
