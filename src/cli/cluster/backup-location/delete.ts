// backup-location delete: the cluster forgets a location with the Backups and repositories that it knows there; the store keeps
// everything.
import type { Command } from "commander";
import type { BackupStorageLocation } from "../../../api/backup-storage-location.ts";
import type { KubeObject, Resource } from "../../../api/kube-object.ts";
import { labels } from "../../../api/names.ts";
import { backupRepositories, backups } from "../../../api/resources.ts";
import { validName } from "../../../api/valid-name.ts";
import type { ClusterContext } from "../cluster-context.ts";
import { addDeleteFlags, type DeleteFlags, deleteFromCluster, deleteObjects } from "../delete-objects.ts";
import { locationNoun } from "./location-noun.ts";

const consequence = "The cluster forgets the Backups and repositories there; everything in the store stays.";

export function addDeleteCommand(parent: Command, context: ClusterContext): void {
  const summary = "forget a location; everything in the store stays";
  const about = `Delete storage locations. ${consequence} A location that is made anew finds them again.`;
  addDeleteFlags(parent, locationNoun, { summary, about, consequence }).action((names: string[], flags: DeleteFlags) =>
    deleteObjects(context, {
      ...{ noun: locationNoun, names, flags, consequence },
      deleteOne: (location) => deleteOne(context, location),
    }),
  );
}

async function deleteOne(context: ClusterContext, location: BackupStorageLocation): Promise<void> {
  const { name } = location.metadata;
  // The location first: with it there the server would bring its Backups back.
  await deleteFromCluster(context, locationNoun, location);
  context.output.print(`Backup storage location ${name} is deleted.`);
  await forget(context, backups, name);
  await forget(context, backupRepositories, name);
}

async function forget<T extends KubeObject>(
  context: ClusterContext,
  resource: Resource<T>,
  location: string,
): Promise<void> {
  const { client, namespace, signal, output } = context;
  const labelSelector = `${labels.storageLocation}=${validName(location)}`;
  const { items } = await client.list(resource, { namespace, labelSelector, signal });
  for (const { metadata } of items) {
    await client.delete(resource, context.address(metadata.name), { signal });
    output.print(`${resource.kind} ${metadata.name} is forgotten.`);
  }
}
