// The backup hooks of a pod: what its annotations say, else the hooks in the Backup's spec that select it. Annotations
// replace the spec's hooks for their phase only.
import type { BackupSpec, ExecHook as SpecHook } from "../../api/backup.ts";
import type { Pod } from "../../api/core.ts";
import { parseDuration } from "../../platform/duration.ts";
import { defaultHookTimeoutMs, type ExecHook } from "./exec-hook.ts";
import { HookAnnotations } from "./hook-annotations.ts";
import { selectsPod } from "./hook-selector.ts";

export interface BackupHooks {
  /** Before the pod is saved. */
  readonly pre: readonly ExecHook[];
  /** After its volumes' data are copied. */
  readonly post: readonly ExecHook[];
  /** About annotations that could not be used as they are. */
  readonly warnings: readonly string[];
}

const none: BackupHooks = { pre: [], post: [], warnings: [] };

/** The first prefix whose command is there counts; the bare one is what it was called at first. */
const prefixes = {
  pre: ["pre.hook.backup.velero.io/", "hook.backup.velero.io/"],
  post: ["post.hook.backup.velero.io/"],
} as const;

/**
 * None for pods that have ended, without a word, and none for pods that have not begun, with a warning: nothing runs in them,
 * and a hook that cannot run must not keep their definition out of the Backup.
 */
export function hooksOfPod(pod: Pod, spec: BackupSpec["hooks"]): BackupHooks {
  const phase = pod.status?.phase;
  if (phase === "Succeeded" || phase === "Failed") return none;
  const pre = annotatedHook(pod, "pre");
  const post = annotatedHook(pod, "post");
  const hooks: BackupHooks = {
    pre: pre === undefined ? specHooks(pod, spec, "pre") : [pre.hook],
    post: post === undefined ? specHooks(pod, spec, "post") : [post.hook],
    warnings: [...(pre?.warnings ?? []), ...(post?.warnings ?? [])],
  };
  if (phase !== "Pending" || hooks.pre.length + hooks.post.length === 0) return hooks;
  const { namespace, name } = pod.metadata;
  return { ...none, warnings: [`pod ${namespace}/${name} has not started (phase Pending): its hooks do not run`] };
}

interface AnnotatedHook {
  readonly hook: ExecHook;
  readonly warnings: readonly string[];
}

function annotatedHook(pod: Pod, when: "pre" | "post"): AnnotatedHook | undefined {
  for (const prefix of prefixes[when]) {
    const found = new HookAnnotations(pod, prefix);
    const command = found.command();
    if (command === undefined) continue;
    const hook: ExecHook = {
      name: "of the pod's annotations",
      container: found.text("container"),
      command,
      onError: found.onError(),
      timeoutMs: found.durationMs("timeout") ?? defaultHookTimeoutMs,
    };
    return { hook, warnings: found.warnings };
  }
  return undefined;
}

function specHooks(pod: Pod, spec: BackupSpec["hooks"], when: "pre" | "post"): ExecHook[] {
  const selecting = (spec?.resources ?? []).filter((resource) => selectsPod(resource, pod));
  return selecting.flatMap((resource) =>
    (resource[when] ?? []).filter(({ exec }) => exec).map((hook) => specHook(resource.name, hook)),
  );
}

function specHook(name: string, { exec }: SpecHook): ExecHook {
  const timeoutMs = parseDuration(exec.timeout ?? "") ?? 0;
  return {
    name,
    container: exec.container ?? "",
    command: exec.command,
    onError: exec.onError === "Continue" ? "Continue" : "Fail",
    timeoutMs: timeoutMs > 0 ? timeoutMs : defaultHookTimeoutMs,
  };
}
