// What a wait for a Backup or a Restore shows: numbers on one line, then the volumes that are being worked on.
import type { PodVolumePhase } from "../../api/phases.ts";
import { podVolumeStage } from "../../api/phases.ts";
import type { TransferProgress } from "../../api/pod-volume-backup.ts";
import { formatBytes, formatDuration, formatPercent } from "../output/format-values.ts";

/** A PodVolumeBackup or a PodVolumeRestore. */
export interface VolumeState {
  readonly spec: {
    readonly pod: { readonly namespace?: string; readonly name?: string };
    readonly volume: string;
  };
  readonly status?: { readonly phase?: PodVolumePhase | ""; readonly progress?: TransferProgress };
}

export interface WaitState {
  readonly secondsElapsed: number;
  readonly phase: string;
  readonly itemsDone: number;
  /** 0 while unknown. */
  readonly totalItems: number;
  readonly volumes: readonly VolumeState[];
}

const shownVolumes = 3;

/** The lines for a terminal; the first one is all that is shown elsewhere. */
export function waitLines({ secondsElapsed, phase, itemsDone, totalItems, volumes }: WaitState): string[] {
  const ended = volumes.filter((volume) => podVolumeStage(volume) === "ended");
  const failed = ended.filter(({ status }) => status?.phase !== "Completed").length;
  const [done, total] = [bytes(volumes, "bytesDone"), bytes(volumes, "totalBytes")];
  const parts = [
    `[${formatDuration(secondsElapsed)}]`,
    phase,
    totalItems > 0 ? `${itemsDone} / ${totalItems} items` : "",
    volumes.length > 0 ? `${ended.length} / ${volumes.length} volumes` : "",
    total > 0 ? `${formatBytes(done)} / ${formatBytes(total)}` : "",
    failed > 0 ? `${failed} failed` : "",
  ];
  const active = volumes.filter((volume) => podVolumeStage(volume) === "claimed").map(volumeLine);
  return [parts.filter((part) => part !== "").join("  "), ...active.slice(0, shownVolumes)];
}

function volumeLine({ spec, status }: VolumeState): string {
  const { totalBytes = 0, bytesDone = 0 } = status?.progress ?? {};
  const share = totalBytes > 0 ? `  ${formatPercent(bytesDone / totalBytes)}` : "";
  return `  ${spec.pod.namespace}/${spec.pod.name}  ${spec.volume}${share}`;
}

function bytes(volumes: readonly VolumeState[], field: keyof TransferProgress): number {
  return volumes.reduce((sum, { status }) => sum + (status?.progress?.[field] ?? 0), 0);
}
