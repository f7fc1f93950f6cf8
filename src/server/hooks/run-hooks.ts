// Runs hooks in a pod, one after the other, and tells in the run's log what came of each.
import type { Container, Pod } from "../../api/core.ts";
import type { PodExec } from "../../kube/exec.ts";
import { explainError } from "../../platform/coded-error.ts";
import { formatDuration } from "../../platform/duration.ts";
import type { RunLog } from "../run-log/run-log.ts";
import type { ExecHook, HookCounts } from "./exec-hook.ts";

export interface RunHooksOptions {
  readonly exec: PodExec;
  readonly log: Pick<RunLog, "log" | "warning" | "error">;
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

/** stop: this hook and those after it are not wanted any more; ended: an earlier run has run it. */
export type HookReadiness = "ready" | "stop" | "ended" | { readonly problem: string };

export interface HookSteps<H extends ExecHook> {
  /** Resolves when the hook may run. */
  readonly before?: (hook: H) => Promise<HookReadiness>;
  /** Of one that ran, with what went wrong, if anything did. */
  readonly after?: (hook: H, problem: string | undefined) => Promise<void>;
}

/**
 * Failures are told as warnings (Continue) or errors (Fail) of the pod's namespace.
 * @throws only what the signal says.
 */
export async function runHooks<H extends ExecHook>(
  pod: Pod,
  hooks: readonly H[],
  options: RunHooksOptions,
  { before = async () => "ready", after }: HookSteps<H> = {},
): Promise<HookRun> {
  let failed = 0;
  for (const [index, hook] of hooks.entries()) {
    const readiness = containerOf(pod, hook) === undefined ? noContainer(hook) : await before(hook);
    if (readiness === "stop") return { attempted: index, failed };
    if (readiness === "ended") continue;
    const problem = readiness === "ready" ? await execute(pod, hook, options) : readiness.problem;
    options.signal.throwIfAborted();
    if (readiness === "ready") await after?.(hook, problem);
    if (problem === undefined) continue;
    failed++;
    const sentence = tellFailure(pod, hook, { problem, options });
    if (hook.onError === "Fail") return { attempted: index + 1, failed, stoppedBy: sentence };
  }
  return { attempted: hooks.length, failed };
}

/** @returns what went wrong, if anything did. */
async function execute(
  pod: Pod,
  hook: ExecHook,
  { exec, log: { log }, kind, signal }: RunHooksOptions,
): Promise<string | undefined> {
  const { namespace = "", name } = pod.metadata;
  const container = containerOf(pod, hook)?.name ?? "";
  const { command, timeoutMs, onError } = hook;
  const facts = { pod: `${namespace}/${name}`, container, hook: hook.name };
  log.info(`running a ${kind}`, { ...facts, command, onError, timeout: formatDuration(timeoutMs) });
  try {
    const { exitCode, stdout, stderr } = await exec({ namespace, pod: name, container, command, timeoutMs, signal });
    log.info(`a ${kind} has ended`, { ...facts, exitCode, stdout, stderr });
    return exitCode === 0 ? undefined : `exit code ${exitCode}${lastLine(stderr === "" ? stdout : stderr)}`;
  } catch (error) {
    return explainError(error);
  }
}

interface Failure {
  readonly problem: string;
  readonly options: Pick<RunHooksOptions, "log" | "kind" | "consequence">;
}

function tellFailure(pod: Pod, hook: ExecHook, { problem, options }: Failure): string {
  const { log, kind, consequence } = options;
  const { namespace = "", name } = pod.metadata;
  const sentence = `${kind} ${hook.name} in pod ${namespace}/${name} failed: ${problem}`;
  if (hook.onError === "Continue") log.warning({ namespace }, sentence);
  else log.error({ namespace }, consequence === undefined ? sentence : `${sentence}; ${consequence}`);
  return sentence;
}

function noContainer({ container }: ExecHook): HookReadiness {
  return { problem: `the pod has no container ${JSON.stringify(container)}` };
}

/** The one that the hook names, else the first; init containers do not count. */
export function containerOf(pod: Pod, { container }: ExecHook): Container | undefined {
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
