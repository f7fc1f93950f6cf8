// Whether a Backup's filters leave persistent volume claims out: then a volume that has one is not taken either, because
// a restore could not bring its claim back.
import type { BackupSpec } from "../../../api/backup.ts";
import type { Discovery } from "../../../kube/discovery.ts";
import { createResourceFilter } from "../items/resource-filter.ts";

export function leavesOutClaims(spec: BackupSpec, discovery: Discovery): boolean {
  const claims = discovery.find("persistentvolumeclaims");
  return claims !== undefined && !createResourceFilter(spec, discovery).wants(claims);
}
