// The last word of a command on a cluster that did not do what was asked: what failed, and what to do next.
import { KubeError, type KubeErrorCode } from "../../kube/kube-errors.ts";
import { asCodedError } from "../../platform/coded-error.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import type { InterruptionReason } from "../interruption.ts";
import { isSystemError, reportBug, reportClosedOutput } from "../last-words.ts";
import { printable } from "../output/terminal-text.ts";
import { UsageError } from "../usage-error.ts";
import type { ClusterContext } from "./cluster-context.ts";
import { CommandError } from "./command-error.ts";

/** Says why the command ended, once and in one place. @returns the exit code */
export function reportFailure(
  error: unknown,
  context: ClusterContext,
  interruption: InterruptionReason | undefined,
): ExitCode {
  const { output } = context;
  if (interruption?.kind === "output") return reportClosedOutput(interruption.error, output);
  if (interruption?.kind === "crash") return reportBug(interruption.error, output);
  if (interruption !== undefined) {
    output.fatal(`interrupted\n  ${context.afterInterruption}`, exitCodes.interrupted);
    return exitCodes.interrupted;
  }
  const words = wordsFor(error, context);
  if (words === undefined) return reportBug(error, output);
  output.fatal(`Fatal: ${words}`, exitCodes.failure);
  return exitCodes.failure;
}

/** What failed and, on a line of its own, what to do; undefined for what nobody has foreseen. */
export function wordsFor(error: unknown, context: ClusterContext): string | undefined {
  if (error instanceof UsageError) return error.message;
  if (error instanceof CommandError) return `${printableLines(error.message)}\n  next: ${error.next}`;
  if (KubeError.is(error)) return `${printableLines(error.message)}\n  next: ${nextStepFor(error.code, context)}`;
  const coded = asCodedError(error);
  if (coded?.code === "kubeconfig-unusable") {
    return `${printableLines(coded.message)}\n  next: name another with --kubeconfig or KUBECONFIG, or a context of it with --kubecontext`;
  }
  if (coded !== undefined) return `${printableLines(coded.message)}\n  next: ${coded.hint}`;
  return isSystemError(error) ? error.message : undefined;
}

/** The hints of KubeError are for the server; a person at the command line can do other things. */
function nextStepFor(code: KubeErrorCode, context: ClusterContext): string {
  const { namespace, server } = context;
  switch (code) {
    case "not-found":
      return `look at what is there with get; --namespace chooses another namespace than ${namespace}`;
    case "already-exists":
      return "choose another name, or delete the one that is there first";
    case "conflict":
      return "somebody else changed it meanwhile; run the same command again";
    case "forbidden":
      return `ask for the right in namespace ${namespace}: kubectl auth can-i --list --namespace ${namespace}`;
    case "unauthorized":
      return "log in to the cluster again, or name other credentials with --kubeconfig or --kubecontext";
    case "invalid":
      return "correct what the message names";
    case "no-such-resource":
      return "install the custom resources in this cluster: kubectl apply -k manifests";
    default:
      return `check that ${server ?? "the API server"} can be reached; --kubeconfig or KUBECONFIG names another cluster`;
  }
}

function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}
