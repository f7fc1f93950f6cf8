// A run's log that keeps what it is told, and an exec that does what the test says.
import type { ExecRequest, ExecResult, PodExec } from "../../src/kube/exec.ts";
import { type Logger, silentLogger } from "../../src/platform/logger.ts";
import type { ResultPlace, RunLog } from "../../src/server/run-log/run-log.ts";

export class PlayedRunLog implements Pick<RunLog, "log" | "warning" | "error"> {
  readonly log: Logger = silentLogger;
  /** "namespace: message", or "velero: message". */
  readonly warnings: string[] = [];
  readonly errors: string[] = [];

  warning(place: ResultPlace, message: string): void {
    this.warnings.push(`${nameOf(place)}: ${message}`);
  }

  error(place: ResultPlace, message: string): void {
    this.errors.push(`${nameOf(place)}: ${message}`);
  }
}

export interface PlayedExec {
  readonly exec: PodExec;
  /** "namespace/pod/container: words", in the order in which they began. */
  readonly commands: string[];
  readonly requests: ExecRequest[];
}

/** @param play by default every command ends well and says nothing; a number is an exit code. */
export function playExec(
  play: (request: ExecRequest) => number | ExecResult | Promise<number | ExecResult> = () => 0,
): PlayedExec {
  const commands: string[] = [];
  const requests: ExecRequest[] = [];
  const exec: PodExec = async (request) => {
    commands.push(`${request.namespace}/${request.pod}/${request.container}: ${request.command.join(" ")}`);
    requests.push(request);
    const end = await play(request);
    return typeof end === "number" ? { exitCode: end, stdout: "", stderr: "" } : end;
  };
  return { exec, commands, requests };
}

function nameOf(place: ResultPlace): string {
  return typeof place === "string" ? place : place.namespace;
}
