// What the server does to repositories, over the engine: makes them, drops stale locks, prunes.
import { prune, removeStaleLocks } from "../../../repo-format/index.ts";
import type { BackupStorageLocation } from "../../api/backup-storage-location.ts";
import type { RepositoryAccess } from "../../repository-access/repository-access.ts";
import { repositoryIdentifier } from "../../repository-access/repository-identifier.ts";
import type { RepositoryCare } from "../backup-repository/reconciler.ts";

/** How long a prune waits for running backups; the next try is at the next maintenance. */
const pruneLockWaitMs = 300_000;

/** The engine behind the BackupRepository controller. */
export function repositoryCare(access: RepositoryAccess): RepositoryCare {
  return {
    identifierOf: (location: BackupStorageLocation, volumeNamespace: string) =>
      repositoryIdentifier(location, volumeNamespace),
    openOrInit: async (location, volumeNamespace, signal) => {
      // What is open in memory proves nothing about the store: look again.
      access.forget({ location, volumeNamespace });
      await access.openOrInit({ location, volumeNamespace }, signal);
    },
    removeStaleLocks: async (location, volumeNamespace, signal) =>
      removeStaleLocks(await access.open({ location, volumeNamespace }, signal), { signal }),
    prune: async (location, volumeNamespace, signal) => {
      await prune(await access.open({ location, volumeNamespace }, signal), { retryLockMs: pruneLockWaitMs, signal });
    },
  };
}
