// A repository that does not exist yet is never made by an agent: it asks for it with a BackupRepository resource, as
// Velero's agents do, and waits until the server has made it.

import type { BackupRepository } from "../../src/api/backup-repository.ts";
import { labels } from "../../src/api/names.ts";
import { backupRepositories } from "../../src/api/resources.ts";
import { validName } from "../../src/api/valid-name.ts";
import { KubeError } from "../../src/kube/kube-errors.ts";
import type { TypedClient } from "../../src/kube/typed-client.ts";
import type { Clock } from "../../src/platform/clock.ts";
import { RepositoryNotReady } from "./repository-not-ready.ts";

export interface EnsureOptions {
  readonly client: Pick<TypedClient, "list" | "create">;
  /** Velero's namespace. */
  readonly namespace: string;
  readonly volumeNamespace: string;
  readonly storageLocation: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const pollMs = 500;

/** @throws RepositoryNotReady when the server says NotReady, or nothing for too long; KubeError */
export async function ensureBackupRepository(options: EnsureOptions): Promise<BackupRepository> {
  const startMs = options.clock.monotonicMs();
  for (;;) {
    const repository = (await find(options)) ?? (await create(options));
    const name = repository?.metadata.name ?? "";
    if (repository?.status?.phase === "Ready") return repository;
    if (repository?.status?.phase === "NotReady") {
      const why = repository.status.message ?? "no reason given";
      throw new RepositoryNotReady(`the BackupRepository ${name} is not ready: ${why}`);
    }
    if (options.clock.monotonicMs() - startMs > options.timeoutMs) {
      const seconds = Math.round(options.timeoutMs / 1000);
      throw new RepositoryNotReady(`the BackupRepository ${name} was not made ready by the server within ${seconds} s`);
    }
    await options.clock.sleep(pollMs, options.signal);
  }
}

async function find(options: EnsureOptions): Promise<BackupRepository | undefined> {
  const wanted = Object.entries(labelsOf(options)).map(([label, value]) => `${label}=${value}`);
  const { items } = await options.client.list(backupRepositories, {
    namespace: options.namespace,
    labelSelector: wanted.join(","),
    signal: options.signal,
  });
  if (items.length <= 1) return items[0];
  const names = items.map((item) => item.metadata.name).join(", ");
  throw new RepositoryNotReady(`several BackupRepositories claim the same repository: ${names}; delete all but one`);
}

/** Undefined when another node was faster; the next look finds its object. */
async function create(options: EnsureOptions): Promise<BackupRepository | undefined> {
  const { volumeNamespace, storageLocation } = options;
  const metadata = {
    namespace: options.namespace,
    name: `${volumeNamespace}-${storageLocation}-restic`,
    labels: labelsOf(options),
  };
  // The schema of Velero up to 1.16 demands the identifier and the frequency; the server fills them in.
  const unknown = { resticIdentifier: "", maintenanceFrequency: "0s" };
  const spec = {
    volumeNamespace,
    backupStorageLocation: storageLocation,
    repositoryType: "restic" as const,
    ...unknown,
  };
  try {
    return await options.client.create(backupRepositories, { metadata, spec }, { signal: options.signal });
  } catch (error) {
    if (KubeError.is(error, "already-exists")) return undefined;
    throw error;
  }
}

function labelsOf(options: EnsureOptions): Readonly<Record<string, string>> {
  return {
    [labels.volumeNamespace]: validName(options.volumeNamespace),
    [labels.storageLocation]: validName(options.storageLocation),
    [labels.repositoryType]: "restic",
  };
}
