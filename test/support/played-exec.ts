// Commands in containers that do what the test says, without an API server.
import type { ExecRequest, ExecResult, PodExec } from "../../src/kube/exec.ts";

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
