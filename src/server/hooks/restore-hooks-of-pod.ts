// The exec hooks of a restored pod: what its annotations say, else the hooks in the Restore's spec that select it.
import type { Pod } from "../../api/core.ts";
import type { RestoreHook, RestoreSpec } from "../../api/restore.ts";
import { parseDuration } from "../../platform/duration.ts";
import { defaultHookTimeoutMs, type ExecHook } from "./exec-hook.ts";
import { HookAnnotations } from "./hook-annotations.ts";
import { selectsPod } from "./hook-selector.ts";

export interface WaitingHook extends ExecHook {
  /** From the pod's creation until the command begins; undefined: as long as the Restore lets it. */
  readonly waitMs: number | undefined;
  /** Until the container is ready, not only running. */
  readonly waitForReady: boolean;
}

export interface PodRestoreHooks {
  readonly hooks: readonly WaitingHook[];
  /** About annotations that could not be used as they are. */
  readonly warnings: readonly string[];
}

/** @param pod as it was created. */
export function restoreHooksOfPod(pod: Pod, spec: RestoreSpec["hooks"]): PodRestoreHooks {
  const found = new HookAnnotations(pod, "post.hook.restore.velero.io/");
  const command = found.command();
  if (command === undefined) return { hooks: specHooks(pod, spec), warnings: [] };
  const hook: WaitingHook = {
    name: "of the pod's annotations",
    container: found.text("container"),
    command,
    onError: found.onError(),
    timeoutMs: found.durationMs("exec-timeout") ?? defaultHookTimeoutMs,
    waitMs: found.durationMs("wait-timeout"),
    waitForReady: found.flag("wait-for-ready"),
  };
  return { hooks: [hook], warnings: found.warnings };
}

function specHooks(pod: Pod, spec: RestoreSpec["hooks"]): WaitingHook[] {
  const selecting = (spec?.resources ?? []).filter((resource) => selectsPod(resource, pod));
  return selecting.flatMap(({ name, postHooks }) => (postHooks ?? []).flatMap((hook) => specHook(name, hook)));
}

function specHook(name: string, { exec }: RestoreHook): WaitingHook[] {
  if (!exec) return [];
  return [
    {
      name,
      container: exec.container ?? "",
      command: exec.command,
      onError: exec.onError === "Continue" ? "Continue" : "Fail",
      timeoutMs: positiveMs(exec.execTimeout) ?? defaultHookTimeoutMs,
      waitMs: positiveMs(exec.waitTimeout),
      waitForReady: exec.waitForReady === true,
    },
  ];
}

function positiveMs(text: string | undefined): number | undefined {
  const ms = parseDuration(text ?? "") ?? 0;
  return ms > 0 ? ms : undefined;
}
