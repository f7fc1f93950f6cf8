// Whether a Backup's filters leave persistent volume claims out: then a volume that has one is not taken either, because
// a restore could not bring its claim back.
import type { BackupSpec } from "../../../api/backup.ts";
import type { Discovery } from "../../../kube/discovery.ts";

export function leavesOutClaims(spec: BackupSpec, discovery: Pick<Discovery, "find">): boolean {
  const isClaims = (name: string): boolean => {
    const found = discovery.find(name);
    return found?.group === "" && found.plural === "persistentvolumeclaims";
  };
  const included = [...(spec.includedResources ?? []), ...(spec.includedNamespaceScopedResources ?? [])];
  const excluded = [...(spec.excludedResources ?? []), ...(spec.excludedNamespaceScopedResources ?? [])];
  const isWanted = included.length === 0 || included.includes("*") || included.some(isClaims);
  return !isWanted || excluded.includes("*") || excluded.some(isClaims);
}
