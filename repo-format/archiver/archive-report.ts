// What a backup cost and where its time went: the part of the result that people tune by. Nothing of it is stored.
import type { NodeType } from "../format/node.ts";
import type { UploadStats } from "../repository/blob-uploader.ts";
import type { Repository, StorageTraffic } from "../repository/repository.ts";
import { Stopwatch } from "../repository/stopwatch.ts";
import type { ThreadSeconds } from "../workers/blob-run.ts";

/** Stages that follow each other; together they are the whole time of `archive`. */
const stages = [
  "findingParent",
  "loadingIndex",
  /** Walk, read, seal and send, all at the same time. */
  "saving",
  /** Packs that were not full when the last blob had come, and those still on their way. */
  "storingPacks",
  "storingIndex",
  /** Nothing where the caller keeps the threads. */
  "endingThreads",
  "storingSnapshot",
] as const;

type ArchiveStage = (typeof stages)[number];

/** Entries of the snapshot by their kind. */
export interface EntryCounts {
  files: number;
  directories: number;
  symlinks: number;
  devices: number;
  fifos: number;
  /** Left out of the snapshot, as by restic. */
  sockets: number;
  /** Those of the files that have more than one name. */
  hardLinks: number;
}

/** What a backup cost and where its time went. */
export interface ArchiveReport {
  /** Content that came from the source, each byte once: not what was taken over from the parent snapshot, not holes. */
  readonly bytesRead: number;
  /** Data and trees that the repository did not have, as they were read. */
  readonly bytesNew: number;
  /** The same compressed and sealed. */
  readonly bytesStored: number;
  readonly entries: Readonly<EntryCounts>;
  /** Entries that patterns, marks or their size kept out; what lies below them is not counted. */
  readonly excludedCount: number;
  /** Of all that used the repository meanwhile; undefined where nobody counts. */
  readonly traffic: StorageTraffic | undefined;
  readonly stageSeconds: Readonly<Record<ArchiveStage, number>>;
  /** Work of the threads, summed over them. */
  readonly threadSeconds: ThreadSeconds;
  /** Parts of `saving`: the walk waited for threads or memory; sealed blobs waited for the store to take more. */
  readonly waitSeconds: { readonly threads: number; readonly store: number };
}

/** Which stage took how long. */
class StageTimes {
  readonly #monotonicClock: () => number;
  readonly #seconds: Record<ArchiveStage, number> = Object.fromEntries(stages.map((stage) => [stage, 0])) as Record<
    ArchiveStage,
    number
  >;
  #current: ArchiveStage | undefined;
  #startMs = 0;

  constructor(monotonicClock: () => number) {
    this.#monotonicClock = monotonicClock;
  }

  /** Ends the stage before. */
  enter(stage: ArchiveStage | undefined): void {
    const nowMs = this.#monotonicClock();
    if (this.#current !== undefined) this.#seconds[this.#current] += (nowMs - this.#startMs) / 1000;
    this.#current = stage;
    this.#startMs = nowMs;
  }

  get seconds(): Record<ArchiveStage, number> {
    return { ...this.#seconds };
  }
}

export function noEntries(): EntryCounts {
  return { files: 0, directories: 0, symlinks: 0, devices: 0, fifos: 0, sockets: 0, hardLinks: 0 };
}

/** Under which name entries that are neither file nor directory are counted. */
export function countOf(type: NodeType): "symlinks" | "devices" | "fifos" | "sockets" | undefined {
  switch (type) {
    case "symlink":
      return "symlinks";
    case "dev":
    case "chardev":
      return "devices";
    case "fifo":
      return "fifos";
    case "socket":
      return "sockets";
    default:
      return undefined;
  }
}

interface SavedParts {
  readonly statistics: Pick<ArchiveReport, "bytesRead" | "entries" | "excludedCount">;
  readonly uploaded: UploadStats;
  readonly threadSeconds: ThreadSeconds;
}

/** What is measured while a backup runs. */
export class RunMeasures {
  readonly stages: StageTimes;
  /** Runs while the walk waits for the threads. */
  readonly waiting: Stopwatch;
  readonly monotonicClock: () => number;
  readonly #repo: Pick<Repository, "traffic">;
  readonly #trafficBefore: StorageTraffic | undefined;

  /** @param monotonicClock milliseconds that never go back; default: those of the process */
  constructor(repo: Pick<Repository, "traffic">, monotonicClock: (() => number) | undefined) {
    this.monotonicClock = monotonicClock ?? (() => performance.now());
    this.stages = new StageTimes(this.monotonicClock);
    this.waiting = new Stopwatch(this.monotonicClock);
    this.#repo = repo;
    this.#trafficBefore = repo.traffic();
  }

  /** Ends the last stage. */
  report({ statistics, uploaded, threadSeconds }: SavedParts): ArchiveReport {
    this.stages.enter(undefined);
    return {
      bytesRead: statistics.bytesRead,
      bytesNew: uploaded.dataAddedBytes,
      bytesStored: uploaded.dataAddedPackedBytes,
      entries: statistics.entries,
      excludedCount: statistics.excludedCount,
      traffic: this.#repo.traffic(this.#trafficBefore),
      stageSeconds: this.stages.seconds,
      threadSeconds,
      waitSeconds: { threads: this.waiting.seconds, store: uploaded.waitedSeconds },
    };
  }
}
