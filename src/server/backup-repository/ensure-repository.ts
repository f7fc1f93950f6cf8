// Makes sure that a namespace has a BackupRepository in a storage location, and says how far it is.
import { hash } from "node:crypto";
import type { BackupRepository } from "../../api/backup-repository.ts";
import type { BackupStorageLocation } from "../../api/backup-storage-location.ts";
import { labels } from "../../api/names.ts";
import { backupRepositories } from "../../api/resources.ts";
import { validName } from "../../api/valid-name.ts";
import { KubeError } from "../../kube/kube-errors.ts";
import type { TypedClient } from "../../kube/typed-client.ts";
import { type Clock, parseTimestamp } from "../../platform/clock.ts";
import { formatDuration } from "../../platform/duration.ts";

export interface EnsureRepositoryOptions {
  readonly client: TypedClient;
  readonly namespace: string;
  readonly clock: Clock;
  /** How long a new repository may take to become Ready. */
  readonly resourceTimeoutMs: number;
  readonly maintenanceFrequencyMs: number;
}

/** "wait": ask again in a moment. */
export type EnsuredRepository = { readonly identifier: string } | { readonly error: string } | "wait";

export type EnsureRepository = (
  volumeNamespace: string,
  location: BackupStorageLocation,
  signal: AbortSignal,
) => Promise<EnsuredRepository>;

/** Looks the repository up by its labels, as Velero does, and creates it when there is none. */
export function repositoryEnsurer(options: EnsureRepositoryOptions): EnsureRepository {
  return async (volumeNamespace, location, signal) => {
    const labelSelector = Object.entries(repositoryLabels(volumeNamespace, location.metadata.name))
      .map(([name, value]) => `${name}=${value}`)
      .join(",");
    const { items } = await options.client.list(backupRepositories, {
      namespace: options.namespace,
      labelSelector,
      signal,
    });
    if (items.length > 1) {
      const names = items.map((item) => item.metadata.name).join(", ");
      return { error: `namespace ${volumeNamespace} has several BackupRepositories (${names}); delete all but one` };
    }
    const [existing] = items;
    if (existing !== undefined) return stateOf(existing, options);
    await create(volumeNamespace, location.metadata.name, options);
    return "wait";
  };
}

function stateOf(repository: BackupRepository, options: EnsureRepositoryOptions): EnsuredRepository {
  const { phase, message } = repository.status ?? {};
  const { name, creationTimestamp } = repository.metadata;
  if (phase === "Ready") return { identifier: repository.spec.resticIdentifier ?? "" };
  if (phase === "NotReady")
    return { error: `BackupRepository ${name} is not ready: ${message ?? "no reason is given"}` };
  const ageMs = options.clock.now() - (parseTimestamp(creationTimestamp) ?? 0);
  if (ageMs < options.resourceTimeoutMs) return "wait";
  return { error: `BackupRepository ${name} is not ready after ${formatDuration(options.resourceTimeoutMs)}` };
}

function repositoryLabels(volumeNamespace: string, location: string): Record<string, string> {
  return {
    [labels.volumeNamespace]: validName(volumeNamespace),
    [labels.storageLocation]: validName(location),
    [labels.repositoryType]: "restic",
  };
}

async function create(volumeNamespace: string, location: string, options: EnsureRepositoryOptions): Promise<void> {
  try {
    await options.client.create(backupRepositories, {
      metadata: {
        name: repositoryName(volumeNamespace, location),
        namespace: options.namespace,
        labels: repositoryLabels(volumeNamespace, location),
      },
      spec: {
        volumeNamespace,
        backupStorageLocation: location,
        repositoryType: "restic",
        maintenanceFrequency: formatDuration(options.maintenanceFrequencyMs),
        // Velero up to 1.16 requires the field; the controller fills it in.
        resticIdentifier: "",
      },
    });
  } catch (error) {
    if (!KubeError.is(error, "already-exists")) throw error;
  }
}

/** Velero's name where it fits; otherwise shortened and made unique. */
function repositoryName(volumeNamespace: string, location: string): string {
  const name = `${volumeNamespace}-${location}-restic`;
  return name.length <= 253 ? name : `${name.slice(0, 240)}-${hash("sha256", name, "hex").slice(0, 10)}`;
}
