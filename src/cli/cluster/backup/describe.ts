// backup describe: what it was to hold, how it went, its volumes, and what became of attempts to delete it.
import type { Command } from "commander";
import type { Backup } from "../../../api/backup.ts";
import { annotations, labels } from "../../../api/names.ts";
import type { PodVolumeBackup } from "../../../api/pod-volume-backup.ts";
import type { DeleteBackupRequest } from "../../../api/requests.ts";
import { deleteBackupRequests, podVolumeBackups } from "../../../api/resources.ts";
import { validName } from "../../../api/valid-name.ts";
import type { Outline } from "../../output/outline.ts";
import type { ClusterContext } from "../cluster-context.ts";
import { addDescribeCommand, type DescribeOptions } from "../describe.ts";
import { locationOf } from "../download-flags.ts";
import {
  contentOf,
  describeResourceList,
  describeResults,
  type FileContent,
  problemOf,
  type RunResults,
} from "../run-results.ts";
import {
  describeConditions,
  describeMetadata,
  describeValidationErrors,
  failureReasonOf,
  phaseOf,
} from "../status-text.ts";
import { formatFromNow, formatTime } from "../times.ts";
import { describeVolumes } from "../volume-lists.ts";
import { backupNoun } from "./backup-noun.ts";
import { describeBackupSpec } from "./describe-spec.ts";
import { describeVolumeInfos, type VolumeInfo } from "./volume-info.ts";

/** Files are absent where they were not asked for, or where there can be none. */
interface BackupFacts {
  readonly volumes: readonly PodVolumeBackup[];
  readonly deletions: readonly DeleteBackupRequest[];
  readonly results?: FileContent<RunResults>;
  readonly volumeInfo?: FileContent<readonly VolumeInfo[]>;
  readonly resourceList?: FileContent<Readonly<Record<string, readonly string[]>>>;
}

type ShownFacts = BackupFacts & { readonly nowMs: number; readonly details: boolean };

export function addBackupDescribeCommand(parent: Command, context: ClusterContext): void {
  addDescribeCommand<Backup, BackupFacts>(parent, context, {
    noun: backupNoun,
    details: "each volume and each object, too",
    gather,
    describe: describeBackup,
    missing: ({ results, volumeInfo, resourceList }) =>
      [results, volumeInfo, resourceList].map(problemOf).filter((problem) => problem !== undefined),
  });
}

async function gather(context: ClusterContext, backup: Backup, options: DescribeOptions): Promise<BackupFacts> {
  const { client, namespace, signal } = context;
  const { name } = backup.metadata;
  const ofBackup = { namespace, labelSelector: `${labels.backupName}=${validName(name)}`, signal };
  const volumes = (await client.list(podVolumeBackups, ofBackup)).items;
  const requests = (await client.list(deleteBackupRequests, ofBackup)).items;
  // Another Backup may have had this name before.
  const deletions = requests.filter(({ metadata }) => metadata.labels?.[labels.backupUid] === backup.metadata.uid);
  const location = await locationOf(context, backup.spec.storageLocation);
  const { errors = 0, warnings = 0, completionTimestamp } = backup.status ?? {};
  const read = <T>(kind: "BackupResults" | "BackupVolumeInfos" | "BackupResourceList"): Promise<FileContent<T>> =>
    options.files.read<T>({ kind, name, location });
  const hasEnded = completionTimestamp !== undefined && completionTimestamp !== null;
  return {
    volumes,
    deletions,
    ...(hasEnded && errors + warnings > 0 ? { results: await read<RunResults>("BackupResults") } : {}),
    ...(hasEnded ? { volumeInfo: await read<readonly VolumeInfo[]>("BackupVolumeInfos") } : {}),
    ...(hasEnded && options.details
      ? { resourceList: await read<Record<string, string[]>>("BackupResourceList") }
      : {}),
  };
}

function describeBackup(outline: Outline, backup: Backup, facts: ShownFacts): void {
  const { name } = backup.metadata;
  const { status } = backup;
  describeMetadata(outline, backup);
  const phase = phaseOf(backup);
  const hint = phase === "Failed" || phase === "PartiallyFailed" ? `  (see: stowage backup logs ${name})` : "";
  outline.gap().field("Phase", `${phase}${hint}`);
  const reason = failureReasonOf(backup);
  if (reason !== "" && phase !== "FailedValidation") outline.field("Reason", reason);
  describeValidationErrors(outline, status?.validationErrors);
  describeResults(outline, status ?? {}, facts.results);
  describeBackupSpec(outline.gap(), backup.spec);
  describeCourse(outline.gap(), backup, facts.nowMs);
  describeResourceList(outline, facts.resourceList);
  outline.gap().section("Backup Volumes", () => {
    describeVolumes(outline, "Pod Volume Backups", facts.volumes, facts.details);
    const problem = problemOf(facts.volumeInfo);
    if (problem !== undefined) outline.field("Others", `<${problem.split("\n")[0]}>`);
    describeVolumeInfos(outline, contentOf(facts.volumeInfo) ?? [], facts.details);
  });
  if (status?.hookStatus !== undefined && status.hookStatus !== null) {
    outline.gap().field("HooksAttempted", status.hookStatus.hooksAttempted ?? 0);
    outline.field("HooksFailed", status.hookStatus.hooksFailed ?? 0);
  }
  describeConditions(outline, backup);
  describeDeletions(outline, facts.deletions);
}

function describeCourse(outline: Outline, { status }: Backup, nowMs: number): void {
  outline.field("Backup Format Version", status?.formatVersion ?? "");
  outline
    .field("Started", formatTime(status?.startTimestamp))
    .field("Completed", formatTime(status?.completionTimestamp));
  const left = status?.expiration ? ` (${formatFromNow(status.expiration, nowMs)})` : "";
  outline.field("Expiration", `${formatTime(status?.expiration)}${left}`);
  if (status?.progress === undefined || status.progress === null) return;
  const isRunning = status.phase === "InProgress";
  outline
    .gap()
    .field(
      isRunning ? "Estimated total items to be backed up" : "Total items to be backed up",
      status.progress.totalItems ?? 0,
    );
  outline.field(isRunning ? "Items backed up so far" : "Items backed up", status.progress.itemsBackedUp ?? 0);
}

function describeDeletions(outline: Outline, deletions: readonly DeleteBackupRequest[]): void {
  if (deletions.length === 0) return;
  const failed = deletions.filter(({ status }) => status?.phase === "Processed" && (status.errors?.length ?? 0) > 0);
  outline.gap().section(`Deletion Attempts${failed.length > 0 ? ` (${failed.length} failed)` : ""}`, () => {
    for (const { metadata, status } of deletions) {
      const waitsFor = metadata.annotations?.[annotations.waitingFor];
      const what = [
        ...(waitsFor === undefined ? [] : [`waits: ${waitsFor}`]),
        ...(status?.errors ?? []).map((error) => `error: ${error}`),
      ];
      const when = `${formatTime(metadata.creationTimestamp)}: ${status?.phase || "New"}`;
      if (what.length === 0) outline.line(when);
      else outline.list(when, what);
    }
  });
}
