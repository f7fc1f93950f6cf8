// Pods one by one: those with hooks go through a block (pre hooks → saved → volumes copied → post hooks), a bounded number at a
// time; for the others the volumes are asked for and nobody waits.
import type { Pod } from "../../../api/core.ts";
import { hooksOfPod, type BackupHooks } from "../../hooks/hooks-of-pod.ts";
import { runHooks } from "../../hooks/run-hooks.ts";
import type { HookCounts } from "../../hooks/exec-hook.ts";
import type { RunLog } from "../../run-log/run-log.ts";
import type { BackupContext } from "../backup-context.ts";
import { RunLost, type BackupRecord } from "./backup-record.ts";
import type { PodVolumes } from "./pod-volumes.ts";
import { Slots } from "./slots.ts";
import type { VolumeResults } from "./volume-results.ts";

export interface PodBlocksOptions {
  readonly context: Pick<BackupContext, "settings" | "exec">;
  readonly record: BackupRecord;
  readonly volumes: PodVolumes;
  readonly results: VolumeResults;
  readonly log: RunLog;
  readonly signal: AbortSignal;
}

/** For post hooks of a Backup that was deleted while they were due. */
const farewellMs = 60_000;

export class PodBlocks {
  readonly #options: PodBlocksOptions;
  readonly #slots: Slots;
  readonly #background: Promise<unknown>[] = [];
  /** Uids of pods whose volumes an earlier try had made already: their pre hooks have run. */
  readonly #begunBefore: ReadonlySet<string | undefined>;
  #attempted = 0;
  #failed = 0;

  constructor(options: PodBlocksOptions) {
    this.#options = options;
    this.#slots = new Slots(options.context.settings.itemBlockWorkers);
    const { finished, unfinished } = options.results;
    this.#begunBefore = new Set([...finished, ...unfinished].map(({ spec }) => spec.pod.uid));
  }

  /** Before a pod is saved; false leaves it out. */
  async onPod(pod: Pod): Promise<boolean> {
    const { record, log, volumes, signal } = this.#options;
    const hooks = hooksOfPod(pod, record.backup.spec.hooks);
    for (const message of hooks.warnings) log.warning({ namespace: pod.metadata.namespace ?? "" }, message);
    if (hooks.pre.length + hooks.post.length === 0) {
      this.#inBackground(volumes.take(pod));
      return true;
    }
    const release = await this.#slots.take(signal);
    let isSaved = false;
    try {
      isSaved = await this.#runPreHooks(pod, hooks);
    } finally {
      if (!isSaved) release();
    }
    if (isSaved) this.#inBackground(this.#finishBlock(pod, hooks).finally(release));
    return isSaved;
  }

  /** Resolves when nothing is left to do for any pod. */
  async finish(): Promise<HookCounts> {
    await Promise.all(this.#background);
    return { attempted: this.#attempted, failed: this.#failed };
  }

  #inBackground(work: Promise<unknown>): void {
    this.#background.push(work);
    // finish() tells of it.
    work.catch(() => undefined);
  }

  async #runPreHooks(pod: Pod, hooks: BackupHooks): Promise<boolean> {
    if (this.#begunBefore.has(pod.metadata.uid)) return true;
    const { exec } = this.#options.context;
    const { log, signal } = this.#options;
    const consequence = "the pod and its volumes are not backed up";
    const run = await runHooks(pod, hooks.pre, { exec, log, kind: "pre hook", consequence, signal });
    this.#count(run);
    if (run.stoppedBy === undefined) return true;
    // What the hooks before it did must be undone.
    if (run.attempted > run.failed) await this.#runPostHooks(pod, hooks);
    return false;
  }

  async #finishBlock(pod: Pod, hooks: BackupHooks): Promise<void> {
    const { volumes, results, signal } = this.#options;
    try {
      const names = await volumes.take(pod);
      await untilAborted(results.ended(names), signal);
    } finally {
      await this.#runPostHooks(pod, hooks);
    }
  }

  /**
   * Also when the Backup was deleted: the pod must not stay as its pre hooks have left it. Not when this process ends or
   * another has taken the Backup over: the volumes are still being copied, and the next run sees to the hooks.
   */
  async #runPostHooks(pod: Pod, hooks: BackupHooks): Promise<void> {
    const { signal, log } = this.#options;
    const isLeftToNext = signal.aborted && !(signal.reason instanceof RunLost && signal.reason.why !== "taken over");
    if (isLeftToNext) return;
    const { exec } = this.#options.context;
    const until = signal.aborted ? AbortSignal.timeout(farewellMs) : signal;
    this.#count(await runHooks(pod, hooks.post, { exec, log, kind: "post hook", signal: until }));
  }

  #count({ attempted, failed }: HookCounts): void {
    this.#attempted += attempted;
    this.#failed += failed;
  }
}

async function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
