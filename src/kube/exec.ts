// Runs a command in a container of a pod, through the API server.

export interface ExecRequest {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly command: readonly string[];
  /** From the request until the command has ended. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface ExecResult {
  readonly exitCode: number;
  /** The last 16 KiB of each, as text. */
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * A command that ends with an exit code other than 0 is a result, not an error.
 * @throws KubeError "timed-out", "cancelled", and what the API server answers when it cannot start the command.
 */
export type PodExec = (request: ExecRequest) => Promise<ExecResult>;
