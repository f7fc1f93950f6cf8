// The loop of the restore-helper: looks at every volume once a second until all are restored or one has failed.

import { lstat, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../src/platform/clock.ts";
import { messageOf } from "../../src/platform/coded-error.ts";
import {
  doneMarker,
  failedMarker,
  type MarkerProgress,
  markerDirectory,
  progressMarker,
} from "../data-path/marker-names.ts";
import { ProgressLine } from "./progress-line.ts";

export interface WaitOptions {
  readonly restoreUid: string;
  /** One mount per volume. */
  readonly restoresDir: string;
  /** Undefined: no limit. */
  readonly timeoutMs: number | undefined;
  /** The kubelet shows its content in the pod's status. */
  readonly terminationLog: string;
  readonly clock: Clock;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
  /** 1 s when absent. */
  readonly pollMs?: number;
}

type VolumeState =
  | { readonly state: "done" }
  | { readonly state: "failed"; readonly reason: string }
  | { readonly state: "waiting"; readonly progress: MarkerProgress | undefined; readonly trouble: string | undefined };

/** The agent may write at most this much of a reason; the kubelet cuts at 4096 bytes. */
const maxReasonBytes = 4000;

/** @returns the exit status. */
export async function waitForVolumes(options: WaitOptions): Promise<number> {
  const startMs = options.clock.monotonicMs();
  const line = new ProgressLine(options.say);
  for (;;) {
    const states = await statesOfVolumes(options);
    const failed = [...states].find(([, state]) => state.state === "failed");
    if (failed?.[1].state === "failed") return await fail(options, `volume ${failed[0]}: ${failed[1].reason}`);
    const waiting = [...states].filter(([, state]) => state.state !== "done");
    if (waiting.length === 0) return await finish(options, [...states.keys()]);
    for (const [name, state] of waiting) {
      if (state.state === "waiting") line.show(name, state, options.clock.monotonicMs() - startMs);
    }
    const waitedMs = options.clock.monotonicMs() - startMs;
    if (options.timeoutMs !== undefined && waitedMs >= options.timeoutMs) {
      const names = waiting.map(([name]) => name).join(", ");
      return await fail(options, `not restored within ${Math.round(options.timeoutMs / 1000)} s: ${names}`);
    }
    try {
      await options.clock.sleep(options.pollMs ?? 1000, options.signal);
    } catch (error) {
      return await fail(options, messageOf(error));
    }
  }
}

/** Entries that are no directories are not volumes. An unreadable listing is looked at again, as Velero's helper does. */
async function statesOfVolumes(options: WaitOptions): Promise<Map<string, VolumeState>> {
  const states = new Map<string, VolumeState>();
  try {
    const entries = await readdir(options.restoresDir, { withFileTypes: true });
    for (const entry of entries.sort((one, other) => (one.name < other.name ? -1 : 1))) {
      if (entry.isDirectory()) states.set(entry.name, await stateOf(join(options.restoresDir, entry.name), options));
    }
  } catch (error) {
    states.set(options.restoresDir, { state: "waiting", progress: undefined, trouble: messageOf(error) });
  }
  return states;
}

async function stateOf(volume: string, options: WaitOptions): Promise<VolumeState> {
  const at = (name: string) => join(volume, markerDirectory, name);
  const failure = await readShort(at(failedMarker(options.restoreUid)));
  if (failure !== undefined) return { state: "failed", reason: failure.trim() };
  try {
    await lstat(at(doneMarker(options.restoreUid)));
    return { state: "done" };
  } catch (error) {
    const isAbsent = (error as NodeJS.ErrnoException).code === "ENOENT";
    const progress = parseProgress(await readShort(at(progressMarker(options.restoreUid))));
    return { state: "waiting", progress, trouble: isAbsent ? undefined : messageOf(error) };
  }
}

async function readShort(path: string): Promise<string | undefined> {
  try {
    const status = await lstat(path);
    // The volume's content is not trusted: no links, no device nodes, nothing large.
    return status.isFile() && status.size <= 65_536 ? await readFile(path, "utf8") : undefined;
  } catch {
    // Absent, or not readable for this user: the same as not there yet.
    return undefined;
  }
}

function parseProgress(text: string | undefined): MarkerProgress | undefined {
  if (text === undefined) return undefined;
  try {
    const { bytesDone, totalBytes } = JSON.parse(text) as Partial<MarkerProgress>;
    return typeof bytesDone === "number" && typeof totalBytes === "number" ? { bytesDone, totalBytes } : undefined;
  } catch {
    return undefined;
  }
}

async function finish(options: WaitOptions, names: readonly string[]): Promise<number> {
  for (const name of names) {
    try {
      await rm(join(options.restoresDir, name, markerDirectory), { recursive: true, force: true });
    } catch {
      // Not allowed for this user; the agent removes it once this container has ended.
    }
  }
  options.say(names.length === 0 ? "no volumes to wait for" : `all volumes are restored: ${names.join(", ")}`);
  return 0;
}

async function fail(options: WaitOptions, reason: string): Promise<number> {
  const text = `restore failed: ${reason}`;
  options.say(text);
  try {
    await writeFile(options.terminationLog, Buffer.from(text).subarray(0, maxReasonBytes), { flag: "r+" });
  } catch {
    // Outside of a pod there is no such file; the reason was printed.
  }
  return 1;
}
