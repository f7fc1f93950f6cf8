// Counts the files and bytes that a backup is going to see, so that progress can be shown as a share of it. It runs beside
// the walk and leaves it the time: whenever the walk works, the scan rests.
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { DirectoryHandle } from "../file-tree/directory-handle.ts";
import { statChild } from "../file-tree/node-metadata.ts";
import type { ArchiveStatistics } from "./archive-statistics.ts";
import { type Excluder, excludesByMarks } from "./excludes.ts";
import type { TargetDirectory } from "./targets.ts";

const sliceMs = 5;
const restMs = 30;
/** Deeper directories are not counted: each level costs a descriptor. */
const deepest = 256;

/** Set by the walk while it waits for others. */
export interface WalkState {
  isWaiting: boolean;
}

export interface ScanOptions {
  readonly excluder: Excluder;
  readonly statistics: ArchiveStatistics;
  readonly oneFileSystem: boolean;
  readonly workingDirectory: string;
  readonly walkState: WalkState;
  /** Before it looks at anything. */
  readonly restFirstMs: number;
  readonly signal: AbortSignal;
}

interface ScanEntry {
  readonly directory: DirectoryHandle;
  readonly name: string;
  readonly path: string;
  readonly isExplicit: boolean;
  readonly deviceId: bigint | undefined;
  readonly depth: number;
}

/** Everything is a step of the generator: the caller decides how many to take at a time. */
type Steps = Generator<undefined, void, undefined>;

/** Counts until it is done or the signal fires; what cannot be read is not counted and not reported. */
export async function scanSource(source: Buffer | TargetDirectory, options: ScanOptions): Promise<void> {
  if (options.restFirstMs > 0 && !(await hasRested(options))) return;
  const scan = new SourceScan(options);
  const steps = Buffer.isBuffer(source) ? scan.volume(source) : scan.targets(source);
  try {
    while (!options.signal.aborted) {
      const sliceEnd = performance.now() + sliceMs;
      while (performance.now() < sliceEnd) {
        if (steps.next().done !== true) continue;
        options.statistics.isScanned = true;
        return;
      }
      if (options.walkState.isWaiting) await nextTurn();
      else await sleep(restMs, undefined, { ref: false });
    }
  } finally {
    steps.return();
  }
}

/** @returns false when it was ended meanwhile. */
async function hasRested({ restFirstMs, signal }: ScanOptions): Promise<boolean> {
  try {
    await sleep(restFirstMs, undefined, { ref: false, signal });
    return true;
  } catch {
    return false;
  }
}

class SourceScan {
  readonly #options: ScanOptions;

  constructor(options: ScanOptions) {
    this.#options = options;
  }

  *volume(path: Buffer): Steps {
    const directory = tryTo(() => DirectoryHandle.openRoot(path));
    if (directory === undefined) return;
    yield* this.#entries(
      directory,
      "",
      tryTo(() => directory.identity().deviceId),
      1,
    );
  }

  *targets(targets: TargetDirectory): Steps {
    for (const target of targets.children.values()) {
      if (target.kind === "directory") yield* this.targets(target);
      else yield* this.#target(target.path, target.isExplicit);
    }
  }

  *#target(path: string, isExplicit: boolean): Steps {
    const slash = path.lastIndexOf("/");
    const above = slash < 0 ? "." : path.slice(0, slash + 1);
    const directory = tryTo(() => DirectoryHandle.openRoot(Buffer.from(above, "latin1")));
    if (directory === undefined) return;
    try {
      const absolute = path.startsWith("/") ? path : `${this.#options.workingDirectory}/${path}`;
      const entry = {
        directory,
        name: path.slice(slash + 1),
        path: absolute,
        isExplicit,
        deviceId: undefined,
        depth: 1,
      };
      yield* this.#entry(entry);
    } finally {
      directory.close();
    }
  }

  /** Closes the directory. */
  *#entries(directory: DirectoryHandle, path: string, deviceId: bigint | undefined, depth: number): Steps {
    try {
      const marks = this.#options.excluder.marksOf(directory, () => {});
      for (const name of tryTo(() => directory.readLatin1Names()) ?? []) {
        if (excludesByMarks(marks, name)) continue;
        yield* this.#entry({ directory, name, path: `${path}/${name}`, isExplicit: false, deviceId, depth });
      }
    } finally {
      directory.close();
    }
  }

  *#entry({ directory, name, path, isExplicit, deviceId, depth }: ScanEntry): Steps {
    const { excluder, statistics, oneFileSystem } = this.#options;
    yield;
    if (!isExplicit && excluder.excludesPath(path)) return;
    const nameBytes = Buffer.from(name, "latin1");
    const stat = tryTo(() => statChild(directory, nameBytes));
    if (stat === undefined) return;
    const isForeign = oneFileSystem && deviceId !== undefined && stat.dev !== deviceId;
    if (stat.isDirectory()) {
      const child = isForeign || depth >= deepest ? undefined : tryTo(() => directory.openChild(nameBytes));
      if (child !== undefined) yield* this.#entries(child, path, deviceId ?? stat.dev, depth + 1);
    } else if (stat.isFile() && !isForeign && (isExplicit || !excluder.excludesSize(Number(stat.size)))) {
      statistics.totalFiles++;
      statistics.totalBytes += Number(stat.size);
    }
  }
}

/** The walk comes to the same entry and reports what is wrong with it. */
function tryTo<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
