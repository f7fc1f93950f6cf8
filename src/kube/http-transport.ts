// One HTTP request to the API server, whole or as a stream of lines, with a time limit and an abort signal. Knows
// nothing of kinds and retries nothing.

import { request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { messageOf } from "../platform/coded-error.ts";
import { parseExactJson } from "../platform/exact-json.ts";
import type { KubeConnection } from "./kube-connection.ts";
import { type ApiStatus, errorOfStatus, KubeError } from "./kube-errors.ts";

export interface KubeRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path and query. */
  readonly path: string;
  /** What the caller wants, for error messages: "list pods". */
  readonly action: string;
  readonly body?: unknown;
  readonly contentType?: string;
  /** Media types that the caller can read; JSON when absent. */
  readonly accept?: string | undefined;
  /** Until the answer is complete; for a stream until its headers are there, and then between two lines. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** @returns the parsed JSON answer, or its text when it is not JSON. @throws KubeError */
export async function sendRequest(connection: KubeConnection, request: KubeRequest): Promise<unknown> {
  const { response, timer } = await open(connection, request);
  try {
    const body = await text(response);
    if (isRefusal(response)) throw refusal(response, body, request.action);
    return parseBody(body);
  } catch (error) {
    throw KubeError.is(error) ? error : transportError(error, request);
  } finally {
    timer.stop();
  }
}

/**
 * The server's clock as its answer tells it, whatever else it answers: milliseconds since the epoch, in the middle of the
 * second that it says. Undefined when it says none.
 * @throws KubeError
 */
export async function requestTime(connection: KubeConnection, request: KubeRequest): Promise<number | undefined> {
  const { response, timer } = await open(connection, request);
  try {
    await text(response);
    const dateMs = Date.parse(response.headers.date ?? "");
    return Number.isNaN(dateMs) ? undefined : dateMs + 500;
  } catch (error) {
    throw transportError(error, request);
  } finally {
    timer.stop();
  }
}

/** Yields each line of an answer that stays open. Ends when the server closes it. @throws KubeError */
export async function* streamLines(connection: KubeConnection, request: KubeRequest): AsyncGenerator<string> {
  const { response, timer } = await open(connection, request);
  try {
    if (isRefusal(response)) throw refusal(response, await text(response), request.action);
    for await (const line of createInterface({ input: response, crlfDelay: Number.POSITIVE_INFINITY })) {
      timer.restart();
      if (line !== "") yield line;
    }
  } catch (error) {
    throw KubeError.is(error) ? error : transportError(error, request);
  } finally {
    timer.stop();
    response.destroy();
  }
}

interface IdleTimer {
  restart(): void;
  stop(): void;
}

async function open(
  connection: KubeConnection,
  request: KubeRequest,
): Promise<{ response: IncomingMessage; timer: IdleTimer }> {
  const credentials = await connection.requestOptions();
  const url = new URL(connection.server + request.path);
  const payload = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body));
  const options: RequestOptions = {
    ...credentials,
    method: request.method,
    headers: {
      ...(credentials.headers as Record<string, string> | undefined),
      accept: request.accept ?? "application/json",
      "user-agent": "stowage",
      ...(payload === undefined
        ? {}
        : { "content-type": request.contentType ?? "application/json", "content-length": payload.length }),
    },
    ...(request.signal === undefined ? {} : { signal: request.signal }),
  };
  const send = url.protocol === "http:" ? httpRequest : httpsRequest;
  return new Promise((resolve, reject) => {
    const outgoing = send(url, options);
    const timer = idleTimer(request.timeoutMs, () =>
      outgoing.destroy(new Error(`no answer within ${request.timeoutMs / 1000} s`)),
    );
    outgoing.once("response", (response) => resolve({ response, timer }));
    outgoing.once("error", (error) => {
      timer.stop();
      reject(transportError(error, request, outgoing.reusedSocket));
    });
    outgoing.end(payload);
  });
}

function idleTimer(timeoutMs: number, onIdle: () => void): IdleTimer {
  const timer = setTimeout(onIdle, timeoutMs);
  return { restart: () => void timer.refresh(), stop: () => clearTimeout(timer) };
}

function isRefusal(response: IncomingMessage): boolean {
  return (response.statusCode ?? 500) >= 400;
}

/** The error for an answer whose status is 400 or more. */
export function refusal(response: IncomingMessage, body: string, action: string): KubeError {
  const parsed = parseBody(body);
  const isStatus = typeof parsed === "object" && parsed !== null && (parsed as ApiStatus).kind === "Status";
  const status: ApiStatus = isStatus ? (parsed as ApiStatus) : { message: body.slice(0, 300).trim() };
  const retryAfter = Number(response.headers["retry-after"]);
  const details = { retryAfterSeconds: retryAfter, ...status.details };
  return errorOfStatus(response.statusCode ?? 500, Number.isNaN(retryAfter) ? status : { ...status, details }, action);
}

function parseBody(body: string): unknown {
  try {
    return parseExactJson(body);
  } catch {
    // Some answers (/healthz, container logs, a proxy's error page) are plain text.
    return body;
  }
}

function transportError(error: unknown, request: KubeRequest, isReusedSocket = false): KubeError {
  if (request.signal?.aborted === true) {
    return new KubeError("cancelled", `cannot ${request.action}: cancelled`, { cause: request.signal.reason });
  }
  const systemCode = (error as NodeJS.ErrnoException).code;
  return new KubeError("unavailable", `cannot ${request.action}: ${messageOf(error)}`, {
    details: { action: request.action, systemCode, isReusedSocket },
    cause: error,
  });
}
