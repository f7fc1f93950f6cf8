// One connection whose bytes go from the kernel straight into memory that the caller gives. Node's client gives each 64 KiB
// memory of its own, which is copied and left to the garbage collector: 407 MB took 1.7 to 2.1 s of processor time that way,
// and 0.32 s this way.
import { connect as connectTcp, isIP, type NetConnectOpts, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions as TlsOptions } from "node:tls";
import { type AnswerHead, parseAnswerHead } from "./answer-head.ts";

export interface ConnectionTarget {
  readonly isTls: boolean;
  readonly host: string;
  readonly port: number;
}

export interface ConnectionLimits {
  readonly connectTimeoutMs: number;
  /** Without a byte in either direction. */
  readonly stallTimeoutMs: number;
  /** Certificates and the like. */
  readonly tls: Pick<TlsOptions, "ca" | "cert" | "key" | "rejectUnauthorized">;
}

/** What came, or undefined for an answer that only a full client understands; the connection is gone then. */
export type DirectAnswer = { readonly head: AnswerHead; readonly body: Uint8Array } | undefined;

const maxHeadBytes: number = 32 * 1024;
/** What one read may bring. */
const maxReadBytes: number = 1024 * 1024;
/** Bodies of refusals; they get memory of their own. */
const maxRefusalBytes: number = 64 * 1024;

interface Exchange {
  readonly memory: Uint8Array;
  readonly answered: PromiseWithResolvers<DirectAnswer>;
}

export class DirectConnection {
  readonly #socket: Socket;
  readonly #headMemory: Buffer = Buffer.allocUnsafeSlow(maxHeadBytes);
  readonly #connectTimer: NodeJS.Timeout;
  #headBytes = 0;
  #head: AnswerHead | undefined;
  #body: Uint8Array = this.#headMemory;
  #bodyBytes = 0;
  #exchange: Exchange | undefined;
  /** No byte of the answer under way has come: a connection that the store had closed meanwhile looks like this. */
  isUntouched = true;

  /** @param onClosed called once. */
  constructor(target: ConnectionTarget, limits: ConnectionLimits, onClosed: () => void) {
    const onread = {
      buffer: () => this.#room(),
      callback: (count: number) => {
        this.#take(count);
        return true;
      },
    };
    const { host, port } = target;
    this.#socket = target.isTls
      ? connectTls({ ...limits.tls, host, port, ...(isIP(host) === 0 && { servername: host }), ...{ onread } })
      : connectTcp({ host, port, onread } as NetConnectOpts);
    this.#socket.setNoDelay(true);
    this.#connectTimer = setTimeout(() => this.fail(timedOut("no connection")), limits.connectTimeoutMs);
    this.#socket.once(target.isTls ? "secureConnect" : "connect", () => clearTimeout(this.#connectTimer));
    this.#socket.setTimeout(limits.stallTimeoutMs, () => this.fail(timedOut("no answer")));
    this.#socket.on("error", (error) => this.fail(error));
    // A connection that was ended in the middle of an answer.
    this.#socket.on("end", () => this.fail(Object.assign(new Error("the store hung up"), { code: "ECONNRESET" })));
    this.#socket.on("close", () => {
      this.fail(Object.assign(new Error("the connection is closed"), { code: "ECONNRESET" }));
      onClosed();
    });
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  /**
   * One at a time.
   * @param request head of a request that has no body.
   * @param memory where the body of a success goes, if it has room. Nothing is written there once this has ended.
   * @throws Node's errors.
   */
  async ask(request: string, memory: Uint8Array): Promise<DirectAnswer> {
    const exchange = { memory, answered: Promise.withResolvers<DirectAnswer>() };
    this.#exchange = exchange;
    this.isUntouched = true;
    this.#socket.ref();
    this.#socket.write(request, "latin1");
    return await exchange.answered.promise;
  }

  /** Ends the connection; whoever waits for an answer gets the error. */
  fail(error: Error): void {
    clearTimeout(this.#connectTimer);
    this.#socket.destroy();
    const exchange = this.#exchange;
    this.#exchange = undefined;
    exchange?.answered.reject(error);
  }

  /** Where the next bytes go; never empty. */
  #room(): Uint8Array {
    if (this.#head === undefined) return this.#headMemory.subarray(this.#headBytes);
    return this.#body.subarray(this.#bodyBytes, Math.min(this.#head.bodyBytes, this.#bodyBytes + maxReadBytes));
  }

  #take(count: number): void {
    this.isUntouched = false;
    const exchange = this.#exchange;
    if (exchange === undefined) this.fail(new Error("bytes that nobody asked for"));
    else if (this.#head === undefined) this.#takeHead(exchange, count);
    else this.#bodyBytes += count;
    const head = this.#head;
    if (exchange !== undefined && head !== undefined && this.#bodyBytes === head.bodyBytes)
      this.#finish(exchange, head);
  }

  #takeHead(exchange: Exchange, count: number): void {
    const searchFrom = Math.max(0, this.#headBytes - 3);
    this.#headBytes += count;
    const end = this.#headMemory.subarray(0, this.#headBytes).indexOf("\r\n\r\n", searchFrom);
    if (end < 0 && this.#headBytes < maxHeadBytes) return;
    const head = end < 0 ? undefined : parseAnswerHead(this.#headMemory.toString("latin1", 0, end));
    const body = head && bodyMemory(head, exchange.memory);
    const early = this.#headMemory.subarray(end + 4, this.#headBytes);
    if (head === undefined || body === undefined || early.length > head.bodyBytes) {
      this.#giveUp(exchange);
      return;
    }
    body.set(early);
    this.#body = body;
    this.#bodyBytes = early.length;
    this.#head = head;
  }

  #giveUp({ answered }: Exchange): void {
    this.#exchange = undefined;
    this.#headBytes = 0;
    this.#socket.destroy();
    answered.resolve(undefined);
  }

  #finish({ answered }: Exchange, head: AnswerHead): void {
    const body = this.#body.subarray(0, head.bodyBytes);
    this.#exchange = undefined;
    this.#head = undefined;
    this.#headBytes = 0;
    this.#body = this.#headMemory;
    // Idle, it keeps no process alive.
    if (head.keepsConnection) this.#socket.unref();
    else this.#socket.destroy();
    answered.resolve({ head, body });
  }
}

function bodyMemory({ status, bodyBytes }: AnswerHead, memory: Uint8Array): Uint8Array | undefined {
  if (status < 300) return bodyBytes <= memory.length ? memory : undefined;
  return bodyBytes <= maxRefusalBytes ? Buffer.allocUnsafeSlow(bodyBytes) : undefined;
}

/** By the name that the SDK gives to such errors. */
function timedOut(what: string): Error {
  return Object.assign(new Error(`${what} in time`), { name: "TimeoutError" });
}
