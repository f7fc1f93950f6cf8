// The exec hooks of a Restore: each waits until its container runs (or is ready) and then runs its command, while the rest
// of the restore goes on.
import type { Pod } from "../../api/core.ts";
import type { RestoreSpec } from "../../api/restore.ts";
import type { PodExec } from "../../kube/exec.ts";
import type { TypedClient } from "../../kube/typed-client.ts";
import type { Clock } from "../../platform/clock.ts";
import type { RunLog } from "../run-log/run-log.ts";
import type { HookCounts } from "./exec-hook.ts";

export interface RestoreHooksOptions {
  readonly spec: RestoreSpec["hooks"];
  readonly client: TypedClient;
  readonly exec: PodExec;
  readonly log: RunLog;
  readonly clock: Clock;
  /** For hooks without a wait-timeout: nothing waits for ever. */
  readonly defaultWaitMs: number;
  /** Ends all waiting. */
  readonly signal: AbortSignal;
}

export interface RestoreHooks {
  /** Call once for each pod after it was created; returns at once. Pods without hooks cost nothing. */
  begin(pod: Pod): void;
  /** Number of pods whose hooks have not ended. */
  readonly waitingPods: number;
  /** Resolves when the hooks of all pods have ended; rejects only with what the signal says. */
  finish(): Promise<HookCounts>;
}

/** Implementation follows. */
export type StartRestoreHooks = (options: RestoreHooksOptions) => RestoreHooks;
