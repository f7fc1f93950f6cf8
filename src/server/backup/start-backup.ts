// A new Backup: refused with the reasons, or set InProgress with everything written down that decides what it does, so that
// neither another server nor other flags change it.
import type { Backup, BackupStatus } from "../../api/backup.ts";
import type { BackupStorageLocation } from "../../api/backup-storage-location.ts";
import { annotations, labels } from "../../api/names.ts";
import { backupStorageLocations } from "../../api/resources.ts";
import { validName } from "../../api/valid-name.ts";
import type { ReconcileResult } from "../../kube/controller.ts";
import { formatTimestamp, parseTimestamp } from "../../platform/clock.ts";
import { formatDuration, parseDuration } from "../../platform/duration.ts";
import type { BackupContext } from "./backup-context.ts";
import { endBackup, patchBackup, tellAboutBackup } from "./end-backup.ts";
import { type BegunBackup, inSlot } from "./run/begun-backup.ts";
import { claimAnnotations } from "./run/run-claim.ts";
import { validateBackup } from "./validate-backup.ts";
import { readVolumePolicy } from "./volumes/read-volume-policy.ts";

/** A location that was just made is validated within a moment. */
const validationPollMs = 500;

export async function startBackup(
  backup: Backup,
  context: BackupContext,
  signal: AbortSignal,
): Promise<ReconcileResult | BegunBackup> {
  const location = await resolveLocation(backup, context, signal);
  if (location !== undefined && mayStillBeValidated(backup, location, context))
    return { requeueAfterMs: validationPollMs };
  const { problems: policyProblems } = await readVolumePolicy(backup.spec.resourcePolicy, context, signal);
  const problems = [...validateBackup(backup, location), ...policyProblems];
  if (location === undefined || problems.length > 0) {
    await endBackup(backup, context, {
      ...common(backup, context),
      phase: "FailedValidation",
      validationErrors: problems,
    });
    context.metrics.countAttempt(backup);
    return {};
  }
  return await inSlot(context, signal, async () => ({
    backup: await begin(backup, location, { context, signal }),
    location,
  }));
}

/** What its status says from the first moment on. */
function common(backup: Backup, { clock, settings }: BackupContext): BackupStatus {
  const ttlMs = parseDuration(backup.spec.ttl ?? "") ?? 0;
  // One that is refused for its time to live must stay until somebody has read why.
  const expiration = formatTimestamp(clock.now() + (ttlMs > 0 ? ttlMs : settings.backupTtlMs));
  return { version: 1, formatVersion: "1.1.0", expiration };
}

async function begin(
  backup: Backup,
  location: BackupStorageLocation,
  { context, signal }: { readonly context: BackupContext; readonly signal: AbortSignal },
): Promise<Backup> {
  const storageLocation = location.metadata.name;
  const { ttl, defaultVolumesToFsBackup, defaultVolumesToRestic } = backup.spec;
  const { settings, clock } = context;
  const started = await patchBackup(backup, context, {
    metadata: {
      labels: { [labels.storageLocation]: validName(storageLocation) },
      annotations: {
        [annotations.resourceTimeout]: formatDuration(settings.resourceTimeoutMs),
        ...(await clusterVersion(context, signal)),
        ...claimAnnotations(backup, context.process, clock.now()),
      },
    },
    spec: {
      storageLocation,
      ttl: formatDuration(parseDuration(ttl ?? "") || settings.backupTtlMs),
      defaultVolumesToFsBackup: defaultVolumesToFsBackup ?? defaultVolumesToRestic ?? settings.defaultVolumesToFs,
    },
    status: { ...common(backup, context), phase: "InProgress", startTimestamp: formatTimestamp(clock.now()) },
    conditions: [
      { type: "Accepted", status: "True", reason: "Valid", message: "" },
      { type: "Succeeded", status: "Unknown", reason: "Running", message: "" },
    ],
  });
  context.metrics.countAttempt(started);
  context.log.info("a backup started", { backup: backup.metadata.name, location: storageLocation });
  const message = `backing up to the storage location ${storageLocation}`;
  tellAboutBackup(started, context, { type: "Normal", reason: "BackupStarted", message });
  return started;
}

/** The location that the Backup names, else the default one. */
async function resolveLocation(
  backup: Backup,
  { client, namespace, settings }: BackupContext,
  signal: AbortSignal,
): Promise<BackupStorageLocation | undefined> {
  const wanted = backup.spec.storageLocation ?? "";
  if (wanted !== "") return await client.find(backupStorageLocations, { namespace, name: wanted }, { signal });
  const { items } = await client.list(backupStorageLocations, { namespace, signal });
  return (
    items.find((location) => location.spec.default === true) ??
    items.find((location) => location.metadata.name === settings.defaultStorageLocation)
  );
}

function mayStillBeValidated(backup: Backup, location: BackupStorageLocation, context: BackupContext): boolean {
  if ((location.status?.phase ?? "") !== "") return false;
  const waitedMs = context.clock.now() - (parseTimestamp(backup.metadata.creationTimestamp) ?? 0);
  return waitedMs < context.settings.resourceTimeoutMs;
}

interface VersionAnswer {
  readonly gitVersion?: string;
  readonly major?: string;
  readonly minor?: string;
}

/** Velero's annotations about the cluster; without them nothing is lost. */
async function clusterVersion(
  { client, log }: BackupContext,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  try {
    const { gitVersion, major, minor } = (await client.getPath("/version", { signal })) as VersionAnswer;
    const entries = Object.entries({ gitversion: gitVersion, "major-version": major, "minor-version": minor });
    const known = entries.filter((entry): entry is [string, string] => typeof entry[1] === "string");
    return Object.fromEntries(known.map(([name, value]) => [`velero.io/source-cluster-k8s-${name}`, value]));
  } catch (error) {
    signal.throwIfAborted();
    log.debug("the cluster's version is unknown", { error: String(error) });
    return {};
  }
}
