// Tells in a Backup's log and results what came of each of its volumes.
import { annotations } from "../../../api/names.ts";
import { podVolumePhase } from "../../../api/phases.ts";
import type { PodVolumeBackup } from "../../../api/pod-volume-backup.ts";
import type { RunLog } from "../../run-log/run-log.ts";
import type { VolumeResults } from "./volume-results.ts";

export interface VolumeCounts {
  readonly completed: number;
  readonly failed: number;
}

/** @param timeOver said of those that were asked to stop; absent while the Backup had time left. */
export function tellVolumes(results: VolumeResults, log: RunLog, timeOver?: string): VolumeCounts {
  let failed = results.lost.length;
  for (const one of results.lost)
    log.error(placeOf(one), `${nameOf(one)}: its PodVolumeBackup was deleted before it ended`);
  for (const one of results.finished) {
    if (podVolumePhase(one) === "Completed") tellCompleted(one, log);
    else {
      failed++;
      log.error(placeOf(one), `${nameOf(one)}: ${failureOf(one, timeOver)}`);
    }
  }
  return { completed: results.finished.length + results.lost.length - failed, failed };
}

function tellCompleted(one: PodVolumeBackup, log: RunLog): void {
  const { snapshotID = "", progress } = one.status ?? {};
  const facts = { podVolumeBackup: one.metadata.name, snapshot: snapshotID, bytes: progress?.totalBytes ?? 0 };
  log.log.info(`${nameOf(one)} is backed up`, facts);
  // Files that could not be stored as they are; the agent's message counts them and names the first.
  if (one.metadata.annotations?.[annotations.warnings] === undefined) return;
  log.warning(placeOf(one), `${nameOf(one)}: ${one.status?.message ?? "some files are not stored as they are"}`);
}

function failureOf({ spec, status }: PodVolumeBackup, timeOver: string | undefined): string {
  const message = status?.message ?? "";
  const said = message === "" ? "no reason is given" : message;
  const wasStopped = timeOver !== undefined && spec.cancel === true;
  return wasStopped && !said.includes(timeOver) ? `${timeOver} (${said})` : said;
}

function nameOf({ spec }: PodVolumeBackup): string {
  return `volume ${spec.volume} of pod ${spec.pod.namespace}/${spec.pod.name}`;
}

function placeOf({ spec }: PodVolumeBackup): { readonly namespace: string } {
  return { namespace: spec.pod.namespace ?? "" };
}
