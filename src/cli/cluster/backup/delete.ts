// backup delete: asks the server to remove a Backup with all its data; the request says how that went.
import type { Command } from "commander";
import type { Backup } from "../../../api/backup.ts";
import { annotations, labels } from "../../../api/names.ts";
import type { DeleteBackupRequest } from "../../../api/requests.ts";
import { deleteBackupRequests } from "../../../api/resources.ts";
import { validName } from "../../../api/valid-name.ts";
import type { ClusterContext } from "../cluster-context.ts";
import { CommandError } from "../command-error.ts";
import { addDeleteFlags, type DeleteFlags, deleteObjects } from "../delete-objects.ts";
import { type FollowEnd, followObject } from "../follow-object.ts";
import { backupNoun } from "./backup-noun.ts";

interface DeleteBackupFlags extends DeleteFlags {
  readonly wait?: boolean;
}

const consequence = "Their snapshots and files in the store are removed, and the Restores that were made from them.";

const about = `Remove Backups with all that belongs to them: snapshots of volumes, files in the store, Restores. The server
does it; the space comes back when the repositories are pruned next. A Backup that runs cannot be deleted.`;

export function addDeleteCommand(parent: Command, context: ClusterContext): void {
  const summary = "remove backups and their data";
  addDeleteFlags(parent, backupNoun, { summary, about, consequence })
    .option("-w, --wait", "stay until the server has removed them")
    .action((names: string[], flags: DeleteBackupFlags) =>
      deleteObjects(context, {
        ...{ noun: backupNoun, names, flags, consequence },
        deleteOne: (backup) => deleteOne(context, backup, flags.wait === true),
      }),
    );
}

async function deleteOne(context: ClusterContext, backup: Backup, isAwaited: boolean): Promise<void> {
  const { name } = backup.metadata;
  const { client, signal, output } = context;
  const request = await client.create(deleteBackupRequests, requestFor(context, backup), { signal });
  if (isAwaited) await awaitDeletion(context, name, request);
  else
    output.print(`The deletion of backup ${name} is submitted: stowage backup describe ${name}  shows how far it is.`);
}

function requestFor(
  { namespace }: ClusterContext,
  { metadata }: Backup,
): Pick<DeleteBackupRequest, "spec"> & {
  readonly metadata: { generateName: string; namespace: string; labels: Record<string, string> };
} {
  return {
    metadata: {
      generateName: `${metadata.name}-`,
      namespace,
      labels: { [labels.backupName]: validName(metadata.name), [labels.backupUid]: metadata.uid ?? "" },
    },
    spec: { backupName: metadata.name },
  };
}

/** @throws CommandError with what the server says when the Backup could not be removed */
async function awaitDeletion(context: ClusterContext, name: string, request: DeleteBackupRequest): Promise<void> {
  context.afterInterruption = `the deletion goes on without this command; stowage backup describe ${name} shows how far it is`;
  const end = await followRequest(context, request);
  const errors = end.as === "done" ? (end.object.status?.errors ?? []) : [];
  if (errors.length > 0) {
    const next = `correct that, then: stowage backup delete ${name}`;
    throw new CommandError(`backup ${name} is not removed: ${errors.join("; ")}`, next);
  }
  // The server takes the request away with the Backup; what counts is whether the Backup is gone.
  const uid = request.metadata.labels?.[labels.backupUid] ?? "";
  const left = await context.client.find(backupNoun.resource, context.address(name), { signal: context.signal });
  if (left === undefined || left.metadata.uid !== uid) {
    context.output.print(`Backup ${name} is removed.`);
    return;
  }
  // Somebody else has asked for the same, and the server has dropped one of the requests.
  const other = await otherRequest(context, name, uid);
  if (other !== undefined) return awaitDeletion(context, name, other);
  throw new CommandError(
    `backup ${name} is still there although the request is gone`,
    `stowage backup describe ${name}`,
  );
}

/** Says what the deletion waits for: a lock of somebody else, or the agreement to so many deletions. */
async function followRequest(
  context: ClusterContext,
  request: DeleteBackupRequest,
): Promise<FollowEnd<DeleteBackupRequest>> {
  let said: string | undefined;
  return await followObject(context, {
    resource: deleteBackupRequests,
    name: request.metadata.name,
    isDone: ({ status }) => status?.phase === "Processed",
    onChange: ({ metadata, spec }) => {
      const reason = metadata.annotations?.[annotations.waitingFor];
      if (reason !== undefined && reason !== said) {
        context.output.warn(`the deletion of backup ${spec.backupName} waits: ${reason}`);
      }
      said = reason;
    },
  });
}

async function otherRequest(
  { client, namespace, signal }: ClusterContext,
  name: string,
  uid: string,
): Promise<DeleteBackupRequest | undefined> {
  const labelSelector = `${labels.backupName}=${validName(name)},${labels.backupUid}=${uid}`;
  const { items } = await client.list(deleteBackupRequests, { namespace, labelSelector, signal });
  return items.find(({ status }) => status?.phase !== "Processed");
}
