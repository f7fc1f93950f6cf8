// Runs hooks in a pod, one after the other, and tells in the run's log what came of each.
import type { Container, Pod } from "../../api/core.ts";
import type { PodExec } from "../../kube/exec.ts";
import { explainError } from "../../platform/coded-error.ts";
import { formatDuration } from "../../platform/duration.ts";
import type { RunLog } from "../run-log/run-log.ts";
import type { ExecHook, HookCounts } from "./exec-hook.ts";

export interface RunHooksOptions {
  readonly exec: PodExec;
  readonly log: RunLog;
  /** For messages: "pre hook" or "post hook". */
  readonly kind: string;
  /** Said after the failure of a hook that stops the rest: "the pod and its volumes are not backed up". */
  readonly consequence?: string;
  readonly signal: AbortSignal;
}

export interface HookRun extends HookCounts {
  /** What went wrong with a hook whose failure matters (on-error Fail); hooks after it did not run. */
  readonly stoppedBy?: string;
}

/**
 * Failures are told as warnings (Continue) or errors (Fail) of the pod's namespace.
 * @throws only what the signal says.
 */
export async function runHooks(pod: Pod, hooks: readonly ExecHook[], options: RunHooksOptions): Promise<HookRun> {
  const place = { namespace: pod.metadata.namespace ?? "" };
  let attempted = 0;
  let failed = 0;
  for (const hook of hooks) {
    attempted++;
    const problem = await runHook(pod, hook, options);
    options.signal.throwIfAborted();
    if (problem === undefined) continue;
    failed++;
    const sentence = `${options.kind} ${hook.name} in pod ${place.namespace}/${pod.metadata.name} failed: ${problem}`;
    if (hook.onError === "Fail") {
      const { consequence } = options;
      options.log.error(place, consequence === undefined ? sentence : `${sentence}; ${consequence}`);
      return { attempted, failed, stoppedBy: sentence };
    }
    options.log.warning(place, sentence);
  }
  return { attempted, failed };
}

/** @returns what went wrong, if anything did. */
async function runHook(
  pod: Pod,
  hook: ExecHook,
  { exec, log, kind, signal }: RunHooksOptions,
): Promise<string | undefined> {
  const container = containerOf(pod, hook);
  if (container === undefined) return `the pod has no container ${JSON.stringify(hook.container)}`;
  const { namespace = "", name } = pod.metadata;
  const facts = { pod: `${namespace}/${name}`, container: container.name, hook: hook.name };
  const limit = formatDuration(hook.timeoutMs);
  log.log.info(`running a ${kind}`, { ...facts, command: hook.command, onError: hook.onError, timeout: limit });
  try {
    const { command, timeoutMs } = hook;
    const result = await exec({ namespace, pod: name, container: container.name, command, timeoutMs, signal });
    const { exitCode, stdout, stderr } = result;
    log.log.info(`a ${kind} has ended`, { ...facts, exitCode, stdout, stderr });
    return exitCode === 0 ? undefined : `exit code ${exitCode}${lastLine(stderr === "" ? stdout : stderr)}`;
  } catch (error) {
    return explainError(error);
  }
}

function containerOf(pod: Pod, { container }: ExecHook): Container | undefined {
  const all = pod.spec?.containers ?? [];
  return container === "" ? all[0] : all.find(({ name }) => name === container);
}

const shownCharacters = 300;

/** The last thing that a command says is mostly why it failed. */
function lastLine(output: string): string {
  const line = output.trim().split("\n").at(-1) ?? "";
  if (line === "") return "";
  return `: ${line.length <= shownCharacters ? line : `${line.slice(0, shownCharacters)}…`}`;
}
