// The exec hooks of a Restore: each waits until its container runs (or is ready) and then runs its command, while the rest
// of the restore goes on. The pod carries marks of them: a server that goes on with the Restore of one that was ended runs
// none again.
import type { Pod } from "../../api/core.ts";
import { labels } from "../../api/names.ts";
import type { Restore } from "../../api/restore.ts";
import { validName } from "../../api/valid-name.ts";
import type { PodExec } from "../../kube/exec.ts";
import type { TypedClient } from "../../kube/typed-client.ts";
import type { Clock } from "../../platform/clock.ts";
import { formatDuration } from "../../platform/duration.ts";
import type { RunLog } from "../run-log/run-log.ts";
import type { HookCounts } from "./exec-hook.ts";
import { type HookMark, HookMarks } from "./hook-marks.ts";
import { PodWatch } from "./pod-watch.ts";
import { restoreHooksOfPod, type WaitingHook } from "./restore-hooks-of-pod.ts";
import { containerOf, type HookReadiness, runHooks } from "./run-hooks.ts";

export interface RestoreHooksOptions {
  readonly restore: Restore;
  readonly client: TypedClient;
  readonly exec: PodExec;
  readonly log: Pick<RunLog, "log" | "warning" | "error">;
  readonly clock: Clock;
  /** For hooks without a wait-timeout: nothing waits for ever. */
  readonly defaultWaitMs: number;
  /** Ends all waiting. */
  readonly signal: AbortSignal;
}

/** The hooks of one Restore. Call `finish` in any case: it ends the watch. */
export class RestoreHooks {
  readonly #options: RestoreHooksOptions;
  readonly #watch: PodWatch;
  readonly #watching = new AbortController();
  readonly #runs: Promise<HookCounts>[] = [];
  /** By the pod's uid. */
  readonly #stops = new Map<string, AbortController>();
  #waitingPods = 0;

  constructor(options: RestoreHooksOptions) {
    this.#options = options;
    const { client, clock, restore, signal } = options;
    this.#watch = new PodWatch({
      ...{ client, clock, log: options.log.log },
      labelSelector: `${labels.restoreName}=${validName(restore.metadata.name)}`,
      signal: AbortSignal.any([signal, this.#watching.signal]),
    });
  }

  /**
   * Call once for each pod after it was created, or found to be one of this Restore; returns at once. Pods without hooks
   * cost nothing.
   */
  begin(pod: Pod): void {
    const { restore, log } = this.#options;
    const { hooks, warnings } = restoreHooksOfPod(pod, restore.spec.hooks);
    for (const warning of warnings) log.warning({ namespace: pod.metadata.namespace ?? "" }, warning);
    if (hooks.length === 0) return;
    this.#waitingPods++;
    const run = this.#runInPod(pod, hooks).finally(() => void this.#waitingPods--);
    // finish() tells of it.
    run.catch(() => undefined);
    this.#runs.push(run);
  }

  /** The pod's application will not start: its hooks stop waiting for that, and count as not attempted. */
  abandon({ metadata }: Pod): void {
    this.#stops.get(metadata.uid ?? "")?.abort();
  }

  /** Pods whose hooks have not ended. */
  get waitingPods(): number {
    return this.#waitingPods;
  }

  /** When the hooks of all pods have ended: how many there were. @throws only what the signal says */
  async finish(): Promise<HookCounts> {
    try {
      const counts = await Promise.all(this.#runs);
      return sum(counts);
    } finally {
      this.#watching.abort();
    }
  }

  /** Containers do not wait for each other; after a failure that matters no other hook of the pod begins. */
  async #runInPod(pod: Pod, hooks: readonly WaitingHook[]): Promise<HookCounts> {
    const { clock, restore, signal } = this.#options;
    const startMs = clock.monotonicMs();
    const stop = new AbortController();
    this.#stops.set(pod.metadata.uid ?? "", stop);
    const marks = new HookMarks(pod, { ...this.#options, restoreUid: restore.metadata.uid ?? "" });
    const groups = Map.groupBy(hooks, (hook) => containerOf(pod, hook)?.name ?? hook.container);
    const runs = [...groups.values()].map(async (group) => {
      const before = async (hook: WaitingHook): Promise<HookReadiness> => {
        const earlier = readinessAfter(marks.of(hooks.indexOf(hook)));
        if (earlier !== undefined) return earlier;
        const readiness = await this.#untilUp(pod, hook, { startMs, stop });
        if (readiness === "ready") await marks.set(hooks.indexOf(hook), "begun");
        return readiness;
      };
      const after = (hook: WaitingHook, problem: string | undefined): Promise<void> =>
        marks.set(hooks.indexOf(hook), problem === undefined ? "ended" : { problem });
      const run = await runHooks(pod, group, { ...this.#options, kind: "post hook", consequence }, { before, after });
      if (run.stoppedBy !== undefined) stop.abort();
      return run;
    });
    const counts = sum(await Promise.all(runs));
    signal.throwIfAborted();
    return counts;
  }

  async #untilUp(
    pod: Pod,
    hook: WaitingHook,
    { startMs, stop }: { readonly startMs: number; readonly stop: AbortController },
  ): Promise<HookReadiness> {
    const { clock, signal, defaultWaitMs } = this.#options;
    const container = containerOf(pod, hook)?.name ?? "";
    const waitMs = hook.waitMs ?? defaultWaitMs;
    const wanted = (current: Pod): boolean => isOver(current) || isUp(current, container, hook);
    const timeoutMs = startMs + waitMs - clock.monotonicMs();
    const either = AbortSignal.any([signal, stop.signal]);
    const state = await this.#watch.until(pod, wanted, { timeoutMs, signal: either });
    signal.throwIfAborted();
    if (stop.signal.aborted || state === "stopped") return "stop";
    if (state === "gone") return { problem: "the pod was deleted or replaced before the hook could run" };
    if (state === "timed-out") {
      const up = hook.waitForReady ? "ready" : "running";
      return { problem: `container ${container} was not ${up} within ${formatDuration(waitMs)}` };
    }
    return isOver(state)
      ? { problem: `the pod ended (phase ${state.status?.phase}) before the hook could run` }
      : "ready";
  }
}

const consequence = "its other hooks do not run";

function isOver({ status }: Pod): boolean {
  return status?.phase === "Succeeded" || status?.phase === "Failed";
}

function sum(all: readonly HookCounts[]): HookCounts {
  const total = (key: keyof HookCounts): number => all.reduce((count, one) => count + one[key], 0);
  return { attempted: total("attempted"), failed: total("failed") };
}

function isUp(pod: Pod, container: string, { waitForReady }: WaitingHook): boolean {
  const status = pod.status?.containerStatuses?.find(({ name }) => name === container);
  return waitForReady ? status?.ready === true : (status?.state?.running ?? null) !== null;
}

/** What an earlier server has left undone; undefined when that is all of it. */
function readinessAfter(mark: HookMark | undefined): HookReadiness | undefined {
  if (mark !== "begun") return mark;
  return { problem: "the server was restarted while it ran: how it ended is not known, and it is not run again" };
}
