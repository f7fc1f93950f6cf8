// How the last backup and the last restore of each volume ended, out of the resources that say so: it is thus known to an
// agent that has just been started, and to the agent of the node to which a claim has moved.
import type { Pod, Volume } from "../../src/api/core.ts";
import { annotations } from "../../src/api/names.ts";
import type { PodVolumeBackup } from "../../src/api/pod-volume-backup.ts";
import type { PodVolumeRestore } from "../../src/api/pod-volume-restore.ts";
import { parseTimestamp } from "../../src/platform/clock.ts";
import { type BackupFigures, backupFigures } from "./backup-figures.ts";

export interface Outcome {
  /** Milliseconds since the epoch. */
  readonly successMs?: number;
  readonly failureMs?: number;
  /** Of the last success of a backup. */
  readonly figures?: BackupFigures;
}

export interface VolumeOutcome {
  readonly namespace: string;
  readonly pod: string;
  readonly volume: string;
  /** "" for a volume without one. */
  readonly claim: string;
  readonly backup: Outcome;
  readonly restore: Outcome;
}

/** Volumes that are shown; of more than these the ones whose backup is longest ago are left out. */
const maxShownVolumes = 1000;
/** Volumes of the whole cluster that are remembered: a claim may come to this node. */
const maxRemembered = 10_000;

export class VolumeOutcomes {
  readonly #maxRemembered: number;
  readonly #backups = new Map<string, Outcome>();
  readonly #restores = new Map<string, Outcome>();

  constructor(limit: number = maxRemembered) {
    this.#maxRemembered = limit;
  }

  /** Of any node. */
  noteBackup(backup: PodVolumeBackup): void {
    const { metadata, spec } = backup;
    if ((spec.uploaderType ?? "") === "kopia") return;
    const claim = metadata.annotations?.[annotations.pvcName] ?? "";
    const key = claim === "" ? podKey(spec.pod.uid, spec.volume) : claimKey(spec.pod.namespace, claim);
    this.#note(this.#backups, key, backup, () => backupFigures(backup));
  }

  noteRestore(restore: PodVolumeRestore): void {
    this.#note(this.#restores, podKey(restore.spec.pod.uid, restore.spec.volume), restore);
  }

  /** Of the volumes of these pods that are known; pods that have ended are passed over. */
  of(pods: readonly Pod[], limit: number = maxShownVolumes): readonly VolumeOutcome[] {
    const found = pods.filter(isAlive).flatMap((pod) => this.#ofPod(pod));
    if (found.length <= limit) return found;
    return found.sort((a, b) => newestMs(b.backup) - newestMs(a.backup)).slice(0, limit);
  }

  #ofPod({ metadata, spec }: Pod): VolumeOutcome[] {
    const { name: pod, namespace = "", uid } = metadata;
    return (spec?.volumes ?? []).flatMap((volume) => {
      const claim = claimOf(volume, pod);
      const inPod = podKey(uid, volume.name);
      const backup = this.#backups.get(claim === "" ? inPod : claimKey(namespace, claim)) ?? this.#backups.get(inPod);
      const restore = this.#restores.get(inPod);
      if (backup === undefined && restore === undefined) return [];
      return [{ namespace, pod, volume: volume.name, claim, backup: backup ?? {}, restore: restore ?? {} }];
    });
  }

  #note(
    outcomes: Map<string, Outcome>,
    key: string,
    { spec, status }: PodVolumeBackup | PodVolumeRestore,
    figures: () => BackupFigures | undefined = () => undefined,
  ): void {
    const endMs = parseTimestamp(status?.completionTimestamp);
    if (endMs === undefined) return;
    const known = outcomes.get(key) ?? {};
    // What somebody has called off is no failure.
    if (status?.phase === "Failed" && spec.cancel !== true && endMs > (known.failureMs ?? 0)) {
      outcomes.set(key, { ...known, failureMs: endMs });
    }
    if (status?.phase === "Completed" && endMs > (known.successMs ?? 0)) {
      const latest = figures();
      outcomes.set(key, { ...known, successMs: endMs, ...(latest === undefined ? {} : { figures: latest }) });
    }
    if (outcomes.size > this.#maxRemembered * 1.1) forgetOldest(outcomes, this.#maxRemembered);
  }
}

function forgetOldest(outcomes: Map<string, Outcome>, limit: number): void {
  const byAge = [...outcomes].sort(([, a], [, b]) => newestMs(b) - newestMs(a));
  for (const [key] of byAge.slice(limit)) outcomes.delete(key);
}

function newestMs({ successMs = 0, failureMs = 0 }: Outcome): number {
  return Math.max(successMs, failureMs);
}

/** By name: a pod does not say its claim's uid. A claim that was made anew inherits the time until its own first backup. */
function claimKey(namespace: string | undefined, claim: string): string {
  return `${namespace ?? ""}/${claim}`;
}

/** A uid has no slash in front of it, so it never meets a namespace. */
function podKey(uid: string | undefined, volume: string): string {
  return `/${uid ?? ""}/${volume}`;
}

function claimOf({ name, persistentVolumeClaim, ephemeral }: Volume, pod: string): string {
  return persistentVolumeClaim?.claimName ?? (ephemeral === undefined ? "" : `${pod}-${name}`);
}

function isAlive({ metadata, status }: Pod): boolean {
  const hasEnded = status?.phase === "Succeeded" || status?.phase === "Failed";
  return !hasEnded && metadata.deletionTimestamp === undefined;
}
