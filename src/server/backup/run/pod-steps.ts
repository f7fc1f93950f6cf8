// What happens to each pod before and after it is saved. One with hooks: pre hooks → saved → volumes copied → post hooks. The
// volumes of the others are asked for, and nobody waits. Which pods are between their hooks is noted on the Backup, so that a
// server that comes back leaves none of them as its pre hooks have made it.
import type { Pod } from "../../../api/core.ts";
import { errorFacts } from "../../../platform/coded-error.ts";
import type { HookCounts } from "../../hooks/exec-hook.ts";
import { type BackupHooks, hooksOfPod } from "../../hooks/hooks-of-pod.ts";
import { runHooks } from "../../hooks/run-hooks.ts";
import type { RunLog } from "../../run-log/run-log.ts";
import type { BackupContext } from "../backup-context.ts";
import type { BackupRecord } from "./backup-record.ts";
import type { PodVolumes } from "./pod-volumes.ts";
import { RunLost } from "./run-lost.ts";
import { untilAborted } from "./until-aborted.ts";
import type { VolumeResults } from "./volume-results.ts";

export interface PodStepsOptions {
  readonly context: Pick<BackupContext, "exec">;
  readonly record: Pick<BackupRecord, "backup" | "openHooks" | "noteOpenHooks">;
  readonly volumes: Pick<PodVolumes, "take" | "leaveOut">;
  /** Holds what earlier tries have made. */
  readonly results: VolumeResults;
  readonly log: RunLog;
  readonly signal: AbortSignal;
}

/** For post hooks of a Backup that was deleted while they were due. */
const farewellMs = 60_000;

export class PodSteps {
  readonly #options: PodStepsOptions;
  readonly #background: Promise<unknown>[] = [];
  /** By uid: between their hooks now. */
  readonly #open = new Map<string, Pod>();
  /** Uids: left between their hooks by an earlier try, and not seen to yet. */
  readonly #leftOpen: Set<string>;
  /** Uids of pods with hooks for which an earlier try has done everything. */
  readonly #done = new Set<string>();
  #attempted = 0;
  #failed = 0;

  constructor(options: PodStepsOptions) {
    this.#options = options;
    const begun = options.results.all.flatMap(({ spec }) => spec.pod.uid ?? []);
    // A server that notes nothing (Velero's) may have run the pre hooks of all whose volumes are made.
    const { openHooks } = options.record;
    this.#leftOpen = new Set(openHooks ?? begun);
    for (const uid of begun) if (!this.#leftOpen.has(uid)) this.#done.add(uid);
  }

  hasHooks(pod: Pod): boolean {
    const { pre, post } = this.#hooksOf(pod);
    return pre.length + post.length > 0 && !this.#done.has(uidOf(pod));
  }

  /** False leaves the pod and its volumes out. */
  async before(pod: Pod): Promise<boolean> {
    const hooks = this.#hooksOf(pod);
    for (const message of hooks.warnings)
      this.#options.log.warning({ namespace: pod.metadata.namespace ?? "" }, message);
    if (!this.hasHooks(pod)) return true;
    const wasLeftOpen = this.#leftOpen.has(uidOf(pod));
    const hasVolumes = this.#options.results.all.some(({ spec }) => spec.pod.uid === uidOf(pod));
    await this.#begin(pod);
    // Its volumes are being copied, or are: a second pre hook would come too late.
    if (wasLeftOpen && hasVolumes) return true;
    if (wasLeftOpen) await this.#run(pod, hooks, "post");
    const run = await this.#run(pod, hooks, "pre");
    if (run.stoppedBy === undefined) return true;
    // What the hooks before it did must be undone.
    if (run.attempted > run.failed) await this.#run(pod, hooks, "post");
    await this.#close(pod);
    await this.#options.volumes.leaveOut(pod, "a pre hook of its pod failed");
    return false;
  }

  async after(pod: Pod): Promise<void> {
    const { volumes, results, signal } = this.#options;
    if (!this.#open.has(uidOf(pod))) {
      this.#inBackground(volumes.take(pod));
      return;
    }
    try {
      await untilAborted(results.ended(await volumes.take(pod)), signal);
    } finally {
      await this.#runPostHooks(pod);
    }
  }

  /** Resolves when the volumes of all pods are asked for. */
  async finish(): Promise<HookCounts> {
    await Promise.all(this.#background);
    return { attempted: this.#attempted, failed: this.#failed };
  }

  /** After a failure: no pod stays between its hooks. */
  async abandon(): Promise<void> {
    for (const pod of this.#open.values()) await this.#runPostHooks(pod);
  }

  #hooksOf(pod: Pod): BackupHooks {
    return hooksOfPod(pod, this.#options.record.backup.spec.hooks);
  }

  #inBackground(work: Promise<unknown>): void {
    this.#background.push(work);
    // finish() tells of it.
    work.catch(() => undefined);
  }

  /** Before the first hook runs. */
  async #begin(pod: Pod): Promise<void> {
    this.#open.set(uidOf(pod), pod);
    this.#leftOpen.delete(uidOf(pod));
    await this.#note();
  }

  async #close(pod: Pod): Promise<void> {
    this.#open.delete(uidOf(pod));
    await this.#note();
  }

  async #note(): Promise<void> {
    await this.#options.record.noteOpenHooks([...this.#open.keys(), ...this.#leftOpen]);
  }

  /**
   * Also when the Backup was deleted: the pod must not stay as its pre hooks have left it. Not when this process ends or
   * another has taken the Backup over: the volumes are still being copied, and the next run sees to the hooks.
   */
  async #runPostHooks(pod: Pod): Promise<void> {
    const { signal, log } = this.#options;
    const isLeftToNext = signal.aborted && !(signal.reason instanceof RunLost && signal.reason.why !== "taken over");
    if (isLeftToNext) return;
    await this.#run(pod, this.#hooksOf(pod), "post", signal.aborted ? AbortSignal.timeout(farewellMs) : signal);
    await this.#close(pod).catch((error: unknown) => {
      if (!signal.aborted) throw error;
      log.log.debug("the end of hooks could not be noted", errorFacts(error));
    });
  }

  async #run(
    pod: Pod,
    hooks: BackupHooks,
    when: "pre" | "post",
    signal: AbortSignal = this.#options.signal,
  ): ReturnType<typeof runHooks> {
    const { context, log } = this.#options;
    const consequence = when === "pre" ? { consequence: "the pod and its volumes are not backed up" } : {};
    const run = await runHooks(pod, hooks[when], {
      exec: context.exec,
      log,
      kind: `${when} hook`,
      ...consequence,
      signal,
    });
    this.#attempted += run.attempted;
    this.#failed += run.failed;
    return run;
  }
}

function uidOf(pod: Pod): string {
  return pod.metadata.uid ?? "";
}
