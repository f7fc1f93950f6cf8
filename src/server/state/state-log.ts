// One log line for each change of phase of each resource, whoever has written it. What was there before this process began
// is passed over.
import type { Backup } from "../../api/backup.ts";
import type { KubeObject } from "../../api/kube-object.ts";
import { labels } from "../../api/names.ts";
import type { PodVolumeBackup } from "../../api/pod-volume-backup.ts";
import type { PodVolumeRestore } from "../../api/pod-volume-restore.ts";
import type { Restore } from "../../api/restore.ts";
import type { Informer } from "../../kube/informer.ts";
import type { ObjectChange } from "../../kube/object-store.ts";
import { parseTimestamp } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import type { Informers } from "../server-context.ts";

type Facts = Readonly<Record<string, unknown>>;

interface WithPhase extends KubeObject {
  readonly status?: { readonly phase?: string };
}

/** Of all kinds that have a phase; volumes at the level debug, because their agents tell it, too. */
export function logStates(informers: Informers, log: Logger): void {
  const follow = <T extends WithPhase>(
    kind: string,
    informer: Pick<Informer<T>, "onChange" | "isSynced">,
    { level = "info", facts }: { readonly level?: "info" | "debug"; readonly facts: (object: T) => Facts },
  ): void =>
    informer.onChange((change) => {
      const phases = informer.isSynced ? phaseChange(change) : undefined;
      if (phases === undefined) return;
      const { object } = change;
      log[level]("state changed", { kind, name: object.metadata.name, ...phases, ...withoutBlanks(facts(object)) });
    });
  follow("Backup", informers.backups, { facts: backupFacts });
  follow("Restore", informers.restores, { facts: restoreFacts });
  follow("Schedule", informers.schedules, {
    facts: ({ status }) => ({ message: status?.validationErrors?.join("; ") }),
  });
  follow("BackupStorageLocation", informers.locations, { facts: ({ status }) => ({ message: status?.message }) });
  follow("BackupRepository", informers.repositories, {
    facts: ({ spec, status }) => ({
      namespace: spec.volumeNamespace,
      location: spec.backupStorageLocation,
      message: status?.message,
    }),
  });
  follow("DeleteBackupRequest", informers.deletions, {
    facts: ({ spec, status }) => ({ backup: spec.backupName, message: status?.errors?.join("; ") }),
  });
  follow("PodVolumeBackup", informers.volumeBackups, { level: "debug", facts: volumeBackupFacts });
  follow("PodVolumeRestore", informers.volumeRestores, { level: "debug", facts: volumeRestoreFacts });
}

/** undefined when it is the same as before; an object without a phase is New. */
function phaseChange(change: ObjectChange<WithPhase>): { from: string; to: string } | undefined {
  const phaseOf = ({ status }: WithPhase): string => status?.phase || "New";
  const from =
    change.type === "updated" ? phaseOf(change.previous) : change.type === "added" ? "" : phaseOf(change.object);
  const to = change.type === "deleted" ? "deleted" : phaseOf(change.object);
  return from === to ? undefined : { from, to };
}

function backupFacts({ metadata, spec, status }: Backup): Facts {
  return {
    schedule: metadata.labels?.[labels.scheduleName],
    location: spec.storageLocation,
    items: status?.progress?.itemsBackedUp,
    errors: status?.errors,
    warnings: status?.warnings,
    seconds: secondsOf(status),
    message: status?.failureReason ?? status?.validationErrors?.join("; "),
  };
}

function restoreFacts({ spec, status }: Restore): Facts {
  return {
    backup: spec.backupName,
    schedule: spec.scheduleName,
    items: status?.progress?.itemsRestored,
    errors: status?.errors,
    warnings: status?.warnings,
    seconds: secondsOf(status),
    message: status?.failureReason ?? status?.validationErrors?.join("; "),
  };
}

function volumeBackupFacts({ metadata, spec, status }: PodVolumeBackup): Facts {
  const newBytes = status?.incrementalBytes;
  return { backup: metadata.labels?.[labels.backupName], node: spec.node, ...volumeFacts(spec, status), newBytes };
}

function volumeRestoreFacts({ metadata, spec, status }: PodVolumeRestore): Facts {
  return { restore: metadata.labels?.[labels.restoreName], node: status?.node, ...volumeFacts(spec, status) };
}

function volumeFacts(
  { pod, volume }: PodVolumeBackup["spec"] | PodVolumeRestore["spec"],
  status: PodVolumeBackup["status"] | PodVolumeRestore["status"],
): Facts {
  const { namespace, name } = pod;
  const bytes = status?.progress?.bytesDone;
  return { namespace, pod: name, volume, bytes, seconds: secondsOf(status), message: status?.message };
}

interface WithTimes {
  readonly startTimestamp?: string | null;
  readonly completionTimestamp?: string | null;
}

function secondsOf(status: WithTimes | undefined): number | undefined {
  const startMs = parseTimestamp(status?.startTimestamp);
  const endMs = parseTimestamp(status?.completionTimestamp);
  return startMs === undefined || endMs === undefined ? undefined : Math.max(0, endMs - startMs) / 1000;
}

function withoutBlanks(facts: Facts): Facts {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined && value !== ""));
}
