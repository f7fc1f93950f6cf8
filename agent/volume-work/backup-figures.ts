// What a completed PodVolumeBackup says about its cost, in its status and in our report beside it.
import { annotations } from "../../src/api/names.ts";
import type { PodVolumeBackup } from "../../src/api/pod-volume-backup.ts";
import { parseTimestamp } from "../../src/platform/clock.ts";

/** Undefined: it does not say so, as one by Velero's own agent. */
export interface BackupFigures {
  readonly seconds: number | undefined;
  /** Of all files. */
  readonly sizeBytes: number | undefined;
  readonly readBytes: number | undefined;
  readonly newBytes: number | undefined;
  readonly storedBytes: number | undefined;
  readonly files: number | undefined;
}

export function backupFigures({ metadata, status }: PodVolumeBackup): BackupFigures {
  const startMs = parseTimestamp(status?.startTimestamp);
  const endMs = parseTimestamp(status?.completionTimestamp);
  const report = readReport(metadata.annotations?.[annotations.report]);
  return {
    seconds: startMs === undefined || endMs === undefined ? undefined : Math.max(0, endMs - startMs) / 1000,
    sizeBytes: status?.progress?.totalBytes,
    readBytes: report?.bytesRead,
    newBytes: report?.bytesNew ?? status?.incrementalBytes,
    storedBytes: report?.bytesStored,
    files: report === undefined ? undefined : (report.entries?.files ?? 0),
  };
}

/** As pod-volume-backup/report.ts writes it: what is missing in `entries` is 0. */
interface Report {
  readonly bytesRead?: number;
  readonly bytesNew?: number;
  readonly bytesStored?: number;
  readonly entries?: { readonly files?: number };
}

function readReport(text: string | undefined): Report | undefined {
  if (text === undefined) return undefined;
  try {
    return (JSON.parse(text) as Report | null) ?? undefined;
  } catch {
    // Somebody has edited it; the metrics do without.
    return undefined;
  }
}
