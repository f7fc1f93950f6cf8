// Runs a command in a container of a pod: a WebSocket through the API server to the node's kubelet, with Kubernetes'
// channel protocol (subprotocol v4.channel.k8s.io: the first byte of a message is its channel). Version 5 adds only the
// closing of a standard input, and no input is ever sent here.
import type { IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { WebSocket } from "ws";
import { backoffDelayMs } from "../platform/backoff.ts";
import { type Clock, systemClock } from "../platform/clock.ts";
import { formatDuration } from "../platform/duration.ts";
import { refusal } from "./http-transport.ts";
import type { KubeConnection } from "./kube-connection.ts";
import { KubeError } from "./kube-errors.ts";
import { OutputTail } from "./output-tail.ts";

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
 * @throws KubeError "timed-out", "cancelled", "exec-failed", and what the API server answers when it cannot start it.
 */
export type PodExec = (request: ExecRequest) => Promise<ExecResult>;

const subprotocol = "v4.channel.k8s.io";
const keptOutputBytes = 16 << 10;
/** Kubelets send pieces of at most 32 KiB. */
const maxMessageBytes = 1 << 20;

/** Something between here and the kubelet may take a silent connection for a dead one. */
const pingMs = 20_000;

/** Only what cannot have started the command is repeated. */
const startBackoff = { firstMs: 250, factor: 3, maxMs: 5000, jitter: 0.5 };
const maxStarts = 4;

export function podExec(connection: KubeConnection, clock: Clock = systemClock): PodExec {
  return async (request) => {
    const deadlineMs = clock.monotonicMs() + request.timeoutMs;
    for (let attempt = 0; ; attempt++) {
      try {
        return await execOnce(connection, request, { clock, deadlineMs });
      } catch (error) {
        if (attempt + 1 >= maxStarts || !isNotStarted(error)) throw error;
        await clock.sleep(backoffDelayMs(attempt, startBackoff), request.signal);
      }
    }
  };
}

function isNotStarted(error: unknown): boolean {
  if (!KubeError.is(error, "unavailable")) return false;
  const { httpStatus, systemCode } = error.details;
  return systemCode === "ECONNREFUSED" || httpStatus === 429 || httpStatus === 503;
}

interface Deadline {
  readonly clock: Clock;
  /** On the monotonic clock. */
  readonly deadlineMs: number;
}

async function execOnce(
  connection: KubeConnection,
  request: ExecRequest,
  { clock, deadlineMs }: Deadline,
): Promise<ExecResult> {
  const { signal } = request;
  if (signal?.aborted === true) throw cancelled(request);
  const options = await connection.requestOptions();
  const url = connection.server.replace(/^http/, "ws") + pathOf(request);
  const socket = new WebSocket(url, [subprotocol], {
    ...options,
    perMessageDeflate: false,
    maxPayload: maxMessageBytes,
  });
  const session = new ExecSession(socket, describe(request));
  const stopPings = keepAlive(socket, clock);
  const stopTimer = clock.after(Math.max(0, deadlineMs - clock.monotonicMs()), () => session.fail(timedOut(request)));
  const onAbort = (): void => session.fail(cancelled(request));
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    return await session.ended;
  } finally {
    stopTimer();
    stopPings();
    signal?.removeEventListener("abort", onAbort);
    socket.terminate();
  }
}

function keepAlive(socket: WebSocket, clock: Clock): () => void {
  let stop: () => void;
  const arm = (): void => {
    stop = clock.after(pingMs, () => {
      if (socket.readyState === WebSocket.OPEN) socket.ping();
      arm();
    });
  };
  arm();
  return () => stop();
}

/** What the kubelet says when the command has ended: metav1.Status. */
interface ExecStatus {
  readonly status?: string;
  readonly message?: string;
  readonly reason?: string;
  readonly details?: { readonly causes?: readonly { readonly reason?: string; readonly message?: string }[] };
}

/** Collects what comes over one socket until the command has ended. */
class ExecSession {
  readonly ended: Promise<ExecResult>;
  readonly #action: string;
  readonly #outcome = Promise.withResolvers<ExecResult>();
  readonly #stdout = new OutputTail(keptOutputBytes);
  readonly #stderr = new OutputTail(keptOutputBytes);

  constructor(socket: WebSocket, action: string) {
    this.#action = action;
    this.ended = this.#outcome.promise;
    socket.on("message", (data) => this.#take(data as Buffer));
    socket.on("unexpected-response", (_, response) => void this.#refuse(response));
    socket.on("error", (error) => this.#lose(error));
    socket.on("close", (code) => this.#lose(new Error(`the connection ended (${code}) before the command did`)));
  }

  fail(error: unknown): void {
    this.#outcome.reject(error);
  }

  #take(message: Buffer): void {
    const content = message.subarray(1);
    if (message[0] === 1) this.#stdout.push(content);
    if (message[0] === 2) this.#stderr.push(content);
    if (message[0] === 3 && content.length > 0) this.#end(content.toString());
  }

  #end(said: string): void {
    const status = parseStatus(said);
    const code = exitCodeOf(status);
    if (code === undefined) {
      const why = status.message ?? said;
      this.fail(new KubeError("exec-failed", `cannot ${this.#action}: ${why}`, { details: { action: this.#action } }));
      return;
    }
    this.#outcome.resolve({ exitCode: code, stdout: this.#stdout.text(), stderr: this.#stderr.text() });
  }

  async #refuse(response: IncomingMessage): Promise<void> {
    const body = await text(response).catch(() => "");
    this.fail(refusal(response, body, this.#action));
  }

  #lose(error: Error): void {
    const systemCode = (error as NodeJS.ErrnoException).code;
    const details = { action: this.#action, systemCode };
    this.fail(new KubeError("unavailable", `cannot ${this.#action}: ${error.message}`, { details, cause: error }));
  }
}

function parseStatus(said: string): ExecStatus {
  try {
    const status: unknown = JSON.parse(said);
    return typeof status === "object" && status !== null ? status : {};
  } catch {
    return {};
  }
}

/** Undefined when the command was not run. */
function exitCodeOf(status: ExecStatus): number | undefined {
  if (status.status === "Success") return 0;
  if (status.reason !== "NonZeroExitCode") return undefined;
  const cause = status.details?.causes?.find(({ reason }) => reason === "ExitCode");
  const code = Number(cause?.message);
  return Number.isInteger(code) ? code : undefined;
}

function pathOf({ namespace, pod, container, command }: ExecRequest): string {
  const query = new URLSearchParams({ container, stdout: "true", stderr: "true" });
  for (const word of command) query.append("command", word);
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/exec?${query}`;
}

/** Without the command: it may hold secrets. */
function describe({ namespace, pod, container }: ExecRequest): string {
  return `run a command in container ${container} of pod ${namespace}/${pod}`;
}

function timedOut(request: ExecRequest): KubeError {
  const action = describe(request);
  const limit = formatDuration(request.timeoutMs);
  const message = `cannot ${action}: it has not ended within ${limit}, and may go on running`;
  return new KubeError("timed-out", message, { details: { action } });
}

function cancelled(request: ExecRequest): KubeError {
  return new KubeError("cancelled", `cannot ${describe(request)}: cancelled`, { cause: request.signal?.reason });
}
