// What a backup read, asked of the store and spent its time on: the engine's report as JSON, and as lines of -v.
import type { ArchiveReport } from "../../../repo-format/index.ts";
import { formatBytes, formatCount } from "../output/format-values.ts";

/** The engine's report and what came before it. */
export interface BackupCost extends ArchiveReport {
  /** Until the repository was open and locked. */
  readonly openingSeconds: number;
}

/** The key `report` of the summary; times in seconds. */
export function costMessage(cost: BackupCost): object {
  const { entries, stageSeconds: stages, threadSeconds, waitSeconds } = cost;
  return {
    bytes_read: cost.bytesRead,
    bytes_new: cost.bytesNew,
    bytes_stored: cost.bytesStored,
    entries: {
      files: entries.files,
      hard_links: entries.hardLinks,
      directories: entries.directories,
      symlinks: entries.symlinks,
      devices: entries.devices,
      fifos: entries.fifos,
      sockets: entries.sockets,
    },
    ...trafficMessage(cost.traffic),
    seconds: {
      opening: rounded(cost.openingSeconds),
      finding_parent: rounded(stages.findingParent),
      loading_index: rounded(stages.loadingIndex),
      saving: rounded(stages.saving),
      storing_packs: rounded(stages.storingPacks),
      storing_index: rounded(stages.storingIndex),
      ending_threads: rounded(stages.endingThreads),
      storing_snapshot: rounded(stages.storingSnapshot),
    },
    thread_seconds: { reading: rounded(threadSeconds.reading), sealing: rounded(threadSeconds.sealing) },
    wait_seconds: { threads: rounded(waitSeconds.threads), store: rounded(waitSeconds.store) },
  };
}

/** A few lines for people. */
export function costLines(cost: BackupCost): string[] {
  const { entries, traffic, stageSeconds: stages, threadSeconds, waitSeconds } = cost;
  const { files, hardLinks, directories, symlinks, devices, fifos, sockets } = entries;
  const others = [
    [symlinks, "symlink"],
    [devices, "device"],
    [fifos, "FIFO"],
  ] as const;
  const kinds = [
    formatCount(files, "file") + (hardLinks > 0 ? ` (${hardLinks} hard links)` : ""),
    formatCount(directories, "directory", "directories"),
    ...others.filter(([count]) => count > 0).map(([count, noun]) => formatCount(count, noun)),
    ...(sockets > 0 ? [`${formatCount(sockets, "socket")} left out`] : []),
  ];
  const times = {
    opening: cost.openingSeconds,
    parent: stages.findingParent,
    index: stages.loadingIndex,
    saving: stages.saving,
    "last packs": stages.storingPacks,
    "new index": stages.storingIndex,
    snapshot: stages.endingThreads + stages.storingSnapshot,
  };
  const waits = `the walk waited ${inSeconds(waitSeconds.threads)} for them, they ${inSeconds(waitSeconds.store)} for the store`;
  return [
    `Read:        ${formatBytes(cost.bytesRead)}`,
    `Entries:     ${kinds.join(", ")}`,
    ...(traffic === undefined ? [] : [`Requests:    ${requestWords(traffic)}`]),
    `Time:        ${wordsOf(times)}`,
    `Threads:     ${wordsOf({ ...threadSeconds })}; ${waits}`,
  ];
}

function trafficMessage(traffic: ArchiveReport["traffic"]): object {
  if (traffic === undefined) return {};
  return {
    requests: traffic.requests,
    requests_by_file: traffic.files,
    failures: traffic.failures,
    retries: traffic.retries,
    bytes_sent: traffic.bytesSent,
    bytes_received: traffic.bytesReceived,
  };
}

function requestWords({ requests, retries, bytesSent, bytesReceived }: NonNullable<ArchiveReport["traffic"]>): string {
  const kinds = Object.entries(requests).map(([kind, count]) => `${count} ${kind}`);
  const bytes = `${formatBytes(bytesSent)} sent, ${formatBytes(bytesReceived)} received`;
  return `${kinds.join(", ")}; ${bytes}; ${formatCount(retries, "retry", "retries")}`;
}

function wordsOf(seconds: Readonly<Record<string, number>>): string {
  return Object.entries(seconds)
    .map(([name, value]) => `${name} ${inSeconds(value)}`)
    .join(", ");
}

function inSeconds(seconds: number): string {
  return `${seconds.toFixed(1)} s`;
}

/** To a millisecond. */
function rounded(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
