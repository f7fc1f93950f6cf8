// Volumes of a Backup or a Restore in a description: counted by phase or, with details, one line each with size and message.
import { podVolumePhase } from "../../api/phases.ts";
import { formatBytes, formatPercent } from "../output/format-values.ts";
import type { Outline } from "../output/outline.ts";
import type { VolumeState } from "./wait-lines.ts";

interface DescribedVolume extends VolumeState {
  readonly status?: VolumeState["status"] & { readonly message?: string; readonly snapshotID?: string };
}

const order = ["Completed", "Failed", "Canceled", "InProgress", "Canceling", "Prepared", "Accepted", "New"];

export function describeVolumes(
  outline: Outline,
  title: string,
  volumes: readonly DescribedVolume[],
  details: boolean,
): void {
  if (volumes.length === 0) {
    outline.field(title, "<none>");
    return;
  }
  const phases = [...new Set(volumes.map(podVolumePhase))].sort((a, b) => order.indexOf(a) - order.indexOf(b));
  outline.section(details ? title : `${title} (--details shows each)`, () => {
    for (const phase of phases) {
      const those = volumes.filter((volume) => podVolumePhase(volume) === phase);
      if (details) outline.list(phase, those.map(volumeLine).sort());
      else outline.field(phase, those.length);
    }
  });
}

function volumeLine({ spec, status }: DescribedVolume): string {
  const { totalBytes = 0, bytesDone = 0 } = status?.progress ?? {};
  const isUnderWay = status?.phase === "InProgress" && totalBytes > 0;
  const size = totalBytes > 0 ? formatBytes(totalBytes) : "";
  const share = isUnderWay ? formatPercent(bytesDone / totalBytes) : "";
  const snapshot = status?.snapshotID === undefined || status.snapshotID === "" ? "" : `snapshot ${status.snapshotID}`;
  const facts = [share, size, snapshot].filter((fact) => fact !== "").join(", ");
  const message = status?.message === undefined || status.message === "" ? "" : `: ${status.message}`;
  return `${spec.pod.namespace}/${spec.pod.name} ${spec.volume}${facts === "" ? "" : ` (${facts})`}${message}`;
}
