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
  readonly client: Pick<TypedClient, "list" | "create">;
  readonly namespace: string;
  readonly clock: Clock;
  /** How long a new repository may take to become Ready. */
  readonly resourceTimeoutMs: number;
  readonly maintenanceFrequencyMs: number;
}

export interface RepositoryWish {
  readonly volumeNamespace: string;
  readonly location: BackupStorageLocation;
  /** When the caller began to wait, in milliseconds since the epoch. */
  readonly waitingSinceMs: number;
}

/** "wait": ask again in a moment. */
export type EnsuredRepository = { readonly identifier: string } | { readonly error: string } | "wait";

export type EnsureRepository = (wish: RepositoryWish, signal: AbortSignal) => Promise<EnsuredRepository>;

/** Looks the repository up by its labels, as Velero does, and creates it when there is none. */
export function repositoryEnsurer(options: EnsureRepositoryOptions): EnsureRepository {
  // Time in which no server was there to work on the repository does not count.
  const serverStartMs = options.clock.now();
  return async (wish, signal) => {
    const { volumeNamespace, location } = wish;
    const labelSelector = Object.entries(repositoryLabels(volumeNamespace, location.metadata.name))
      .map(([name, value]) => `${name}=${value}`)
      .join(",");
    const { namespace } = options;
    const { items } = await options.client.list(backupRepositories, { namespace, labelSelector, signal });
    if (items.length > 1) {
      const names = items.map((item) => item.metadata.name).join(", ");
      return { error: `namespace ${volumeNamespace} has several BackupRepositories (${names}); delete all but one` };
    }
    const [existing] = items;
    if (existing !== undefined) return stateOf(existing, options, Math.max(wish.waitingSinceMs, serverStartMs));
    await create(wish, options, signal);
    return "wait";
  };
}

function stateOf(
  repository: BackupRepository,
  { clock, resourceTimeoutMs }: EnsureRepositoryOptions,
  waitingSinceMs: number,
): EnsuredRepository {
  const { phase, message = "" } = repository.status ?? {};
  const { name, creationTimestamp } = repository.metadata;
  if (phase === "Ready") return { identifier: repository.spec.resticIdentifier ?? "" };
  if (phase === "NotReady")
    return { error: `BackupRepository ${name} is not ready: ${message === "" ? "no reason is given" : message}` };
  const sinceMs = Math.max(waitingSinceMs, parseTimestamp(creationTimestamp) ?? 0);
  if (clock.now() - sinceMs < resourceTimeoutMs) return "wait";
  return { error: `BackupRepository ${name} is not ready after ${formatDuration(resourceTimeoutMs)}` };
}

function repositoryLabels(volumeNamespace: string, location: string): Record<string, string> {
  return {
    [labels.volumeNamespace]: validName(volumeNamespace),
    [labels.storageLocation]: validName(location),
    [labels.repositoryType]: "restic",
  };
}

async function create(wish: RepositoryWish, options: EnsureRepositoryOptions, signal: AbortSignal): Promise<void> {
  const { volumeNamespace, location } = wish;
  const wanted = repositoryLabels(volumeNamespace, location.metadata.name);
  const createAs = async (name: string): Promise<boolean> => {
    try {
      await options.client.create(
        backupRepositories,
        { metadata: { name, namespace: options.namespace, labels: wanted }, spec: specOf(wish, options) },
        { signal },
      );
      return true;
    } catch (error) {
      if (KubeError.is(error, "already-exists")) return false;
      throw error;
    }
  };
  const name = `${volumeNamespace}-${location.metadata.name}-restic`;
  if (name.length <= 253 && (await createAs(name))) return;
  // Too long, or taken: by somebody who made it a moment ago, or because "a-b" in "c" and "a" in "b-c" come to the same.
  const { items } = await options.client.list(backupRepositories, { namespace: options.namespace, signal });
  const isWanted = ({ metadata }: BackupRepository): boolean =>
    Object.entries(wanted).every(([label, value]) => metadata.labels?.[label] === value);
  if (!items.some(isWanted)) await createAs(uniqueName(name, wish));
}

function specOf(
  { volumeNamespace, location }: RepositoryWish,
  options: EnsureRepositoryOptions,
): BackupRepository["spec"] {
  return {
    volumeNamespace,
    backupStorageLocation: location.metadata.name,
    repositoryType: "restic",
    maintenanceFrequency: formatDuration(options.maintenanceFrequencyMs),
    // Velero up to 1.16 requires the field; the controller fills it in.
    resticIdentifier: "",
  };
}

/** The same for every try, so that two servers cannot make two. */
function uniqueName(name: string, { volumeNamespace, location }: RepositoryWish): string {
  const digits = hash("sha256", `${volumeNamespace}/${location.metadata.name}`, "hex").slice(0, 10);
  return `${name.slice(0, 240).replace(/[^a-z0-9]+$/, "")}-${digits}`;
}
