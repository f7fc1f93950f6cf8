// What happens to each pod before and after it is saved. One with hooks: pre hooks → saved → volumes copied → post hooks. The
// volumes of the others are asked for, and nobody waits.
import type { Pod } from "../../../api/core.ts";
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
  readonly record: Pick<BackupRecord, "backup">;
  readonly volumes: Pick<PodVolumes, "take">;
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
  /** Uids of pods whose volumes an earlier try had made already: their pre hooks have run. */
  readonly #begunBefore: ReadonlySet<string | undefined>;
  #attempted = 0;
  #failed = 0;

  constructor(options: PodStepsOptions) {
    this.#options = options;
    this.#begunBefore = new Set(options.results.all.map(({ spec }) => spec.pod.uid));
  }

  hasHooks(pod: Pod): boolean {
    const { pre, post } = this.#hooksOf(pod);
    return pre.length + post.length > 0;
  }

  /** False leaves the pod and its volumes out. */
  async before(pod: Pod): Promise<boolean> {
    const hooks = this.#hooksOf(pod);
    const { log, signal, context } = this.#options;
    for (const message of hooks.warnings) log.warning({ namespace: pod.metadata.namespace ?? "" }, message);
    if (this.#begunBefore.has(pod.metadata.uid)) return true;
    const consequence = "the pod and its volumes are not backed up";
    const run = await runHooks(pod, hooks.pre, { exec: context.exec, log, kind: "pre hook", consequence, signal });
    this.#count(run);
    if (run.stoppedBy === undefined) return true;
    // What the hooks before it did must be undone.
    if (run.attempted > run.failed) await this.#runPostHooks(pod, hooks);
    return false;
  }

  async after(pod: Pod): Promise<void> {
    const { volumes, results, signal } = this.#options;
    if (!this.hasHooks(pod)) {
      this.#inBackground(volumes.take(pod));
      return;
    }
    try {
      await untilAborted(results.ended(await volumes.take(pod)), signal);
    } finally {
      await this.#runPostHooks(pod, this.#hooksOf(pod));
    }
  }

  /** Resolves when the volumes of all pods are asked for. */
  async finish(): Promise<HookCounts> {
    await Promise.all(this.#background);
    return { attempted: this.#attempted, failed: this.#failed };
  }

  #hooksOf(pod: Pod): BackupHooks {
    return hooksOfPod(pod, this.#options.record.backup.spec.hooks);
  }

  #inBackground(work: Promise<unknown>): void {
    this.#background.push(work);
    // finish() tells of it.
    work.catch(() => undefined);
  }

  /**
   * Also when the Backup was deleted: the pod must not stay as its pre hooks have left it. Not when this process ends or
   * another has taken the Backup over: the volumes are still being copied, and the next run sees to the hooks.
   */
  async #runPostHooks(pod: Pod, hooks: BackupHooks): Promise<void> {
    const { signal, log, context } = this.#options;
    const isLeftToNext = signal.aborted && !(signal.reason instanceof RunLost && signal.reason.why !== "taken over");
    if (isLeftToNext) return;
    const until = signal.aborted ? AbortSignal.timeout(farewellMs) : signal;
    this.#count(await runHooks(pod, hooks.post, { exec: context.exec, log, kind: "post hook", signal: until }));
  }

  #count({ attempted, failed }: HookCounts): void {
    this.#attempted += attempted;
    this.#failed += failed;
  }
}
