// The SDK's way to send requests, with a second one beside it for large reads: their bodies are received straight into memory
// that the caller gives. Whatever does not look as plain as that is left to Node's client.
import { Readable } from "node:stream";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import {
  type ConnectionLimits,
  type ConnectionTarget,
  type DirectAnswer,
  DirectConnection,
} from "./direct-connection.ts";
import { encodeUriText } from "./uri-encoding.ts";

type Handle = NodeHttpHandler["handle"];
type HttpRequest = Parameters<Handle>[0];
type HandlerOptions = NonNullable<Parameters<Handle>[1]>;

/** Given with a request whose body is wanted in memory of the caller. */
export interface BodyReceiver {
  readonly memory: Uint8Array;
  /** What has come of it; undefined when the body is in the answer as usual. */
  received?: Uint8Array | undefined;
}

export interface ReceivingOptions extends HandlerOptions {
  readonly receiver?: BodyReceiver | undefined;
}

export class ReceivingHandler extends NodeHttpHandler {
  readonly #limits: ConnectionLimits;
  /** By address; the one that was used last comes last. */
  readonly #idle = new Map<string, DirectConnection[]>();
  readonly #open = new Set<DirectConnection>();
  /** The store answers in another form, so that asking it this way would mean to ask twice. */
  #isUnfit = false;

  constructor(options: ConstructorParameters<typeof NodeHttpHandler>[0], limits: ConnectionLimits) {
    super(options);
    this.#limits = limits;
  }

  override destroy(): void {
    super.destroy();
    for (const connection of this.#open) connection.fail(new Error("the store was closed"));
  }

  override async handle(request: HttpRequest, options: ReceivingOptions = {}): ReturnType<Handle> {
    const { receiver, abortSignal } = options;
    const head = receiver === undefined || this.#isUnfit ? undefined : requestHead(request);
    if (receiver === undefined || head === undefined) return await super.handle(request, options);
    const answer = await this.#ask(request, { head, memory: receiver.memory }, abortSignal as AbortSignal | undefined);
    if (answer === undefined) {
      this.#isUnfit = true;
      return await super.handle(request, options);
    }
    const { head: answered, body } = answer;
    const isReceived = answered.status < 300;
    if (isReceived) receiver.received = body;
    // Read whole in any case: what the SDK makes of a stream is the only form that it takes.
    const stream = Readable.from(isReceived ? [] : [body]);
    return { response: { statusCode: answered.status, headers: { ...answered.headers }, body: stream } };
  }

  async #ask(
    request: HttpRequest,
    { head, memory }: { readonly head: string; readonly memory: Uint8Array },
    signal: AbortSignal | undefined,
  ): Promise<DirectAnswer> {
    for (;;) {
      const { connection, isUsed, idle } = this.#connectionTo(request);
      const onAbort = (): void =>
        connection.fail(signal?.reason instanceof Error ? signal.reason : new Error("aborted"));
      if (signal?.aborted) onAbort();
      signal?.addEventListener("abort", onAbort, { once: true });
      try {
        const answer = await connection.ask(head, memory);
        if (connection.isOpen) idle.push(connection);
        return answer;
      } catch (error) {
        // The store may have closed it while it was idle, which nobody has heard of yet.
        if (!isUsed || !connection.isUntouched || signal?.aborted) throw error;
      } finally {
        signal?.removeEventListener("abort", onAbort);
      }
    }
  }

  #connectionTo(request: HttpRequest): { connection: DirectConnection; isUsed: boolean; idle: DirectConnection[] } {
    const target = targetOf(request);
    const address = `${target.isTls} ${target.host} ${target.port}`;
    const idle = this.#idle.get(address) ?? [];
    this.#idle.set(address, idle);
    for (let used = idle.pop(); used !== undefined; used = idle.pop()) {
      if (used.isOpen) return { connection: used, isUsed: true, idle };
    }
    const connection = new DirectConnection(target, this.#limits, () => {
      this.#open.delete(connection);
      const place = idle.indexOf(connection);
      if (place >= 0) idle.splice(place, 1);
    });
    this.#open.add(connection);
    return { connection, isUsed: false, idle };
  }
}

function targetOf({ protocol, hostname, port }: HttpRequest): ConnectionTarget {
  const isTls = protocol === "https:";
  // An IPv6 address stands in brackets.
  return { isTls, host: hostname.replace(/^\[(.*)\]$/, "$1"), port: port ?? (isTls ? 443 : 80) };
}

/** Undefined for a request that is more than a plain one for an object. */
function requestHead({ method, path, query = {}, headers, body, username }: HttpRequest): string | undefined {
  if (method !== "GET" || body !== undefined || username !== undefined) return undefined;
  const terms: string[] = [];
  for (const [name, value] of Object.entries(query)) {
    if (typeof value !== "string") return undefined;
    terms.push(`${encodeUriText(name)}=${encodeUriText(value)}`);
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  if (lines.some((line) => /[\r\n]/.test(line.slice(0, -2)))) return undefined;
  return `GET ${path}${terms.length === 0 ? "" : `?${terms.join("&")}`} HTTP/1.1\r\n${lines.join("")}\r\n`;
}
