// What a restore asks of a Backup's tarball: which objects lie in it, and one of them at a time. The tarball's reader fits
// it by structure.
import type { KubeObject } from "../../../api/kube-object.ts";

export interface ItemAddress {
  /** Absent for cluster-scoped objects. */
  readonly namespace?: string | undefined;
  readonly name: string;
}

export interface BackupContents {
  /** "pods", "deployments.apps": every kind of which there is at least one object. */
  readonly groupResources: readonly string[];
  /** In any order; empty for a kind that is not there. */
  addresses(groupResource: string): readonly ItemAddress[];
  /** The object as it was backed up. @throws TarballError or any error that says what is wrong with the item */
  read(groupResource: string, address: ItemAddress): Promise<KubeObject>;
}
