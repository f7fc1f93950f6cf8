// A command that runs in a container of a pod, before or after something happens to it, whoever asked for it.

export interface ExecHook {
  /** For messages: the name that the spec gives it, or "of the pod's annotations". */
  readonly name: string;
  /** "": the pod's first container. */
  readonly container: string;
  readonly command: readonly string[];
  /** Continue: a warning, and on with the next. Fail: an error, and no further hooks of this pod. */
  readonly onError: "Continue" | "Fail";
  /** For the command itself. */
  readonly timeoutMs: number;
}

/** For `status.hookStatus`. */
export interface HookCounts {
  readonly attempted: number;
  readonly failed: number;
}

/** Velero's, for hooks that say nothing. */
export const defaultHookTimeoutMs = 30_000;
