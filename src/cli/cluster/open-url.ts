// Reads an address that carries its own permission (a signed URL, a token): with certificates of choice, through redirections,
// within a time limit between two pieces, and without ever showing the address.
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { PassThrough, type Readable } from "node:stream";
import { getCACertificates } from "node:tls";
import { messageOf } from "../../platform/coded-error.ts";
import { CommandError } from "./command-error.ts";

export interface OpenUrlOptions {
  /** PEM, beside what the machine trusts. */
  readonly caCertificates: readonly string[];
  readonly isVerified: boolean;
  /** Longest silence of the other side. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const maxRedirections = 5;
/** Of an answer that refuses: what it says in its first bytes. */
const maxRefusalLength = 2000;

/** The body; undefined when there is nothing at this address (404). @throws CommandError */
export async function openUrl(url: string, options: OpenUrlOptions): Promise<Readable | undefined> {
  let address = parseUrl(url);
  for (let hop = 0; hop <= maxRedirections; hop++) {
    const { response, whyOf } = await get(address, options);
    const status = response.statusCode ?? 0;
    if (status === 200) return bodyOf(response, whyOf);
    if (status === 404) {
      response.resume();
      return undefined;
    }
    const location = response.headers.location;
    if (![301, 302, 303, 307, 308].includes(status) || location === undefined) {
      throw refusal(address, status, await beginningOf(response));
    }
    response.resume();
    address = parseUrl(new URL(location, address).href);
  }
  throw new CommandError(`${address.host} sends from one place to the next`, "check publicUrl of the storage location");
}

function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (url !== null && (url.protocol === "https:" || url.protocol === "http:")) return url;
  throw new CommandError("the server has given an address that cannot be read", "update the server");
}

interface Answer {
  readonly response: IncomingMessage;
  /** What an error of the body means. */
  readonly whyOf: (error: Error) => Error;
}

async function get(url: URL, options: OpenUrlOptions): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const { caCertificates, isVerified, timeoutMs, signal } = options;
  const send = url.protocol === "https:" ? httpsRequest : httpRequest;
  const request = send(url, {
    signal,
    timeout: timeoutMs,
    // A connection of its own: nothing is left open when the command ends.
    agent: false,
    headers: { "user-agent": "stowage" },
    ...(url.protocol === "https:" ? { rejectUnauthorized: isVerified } : {}),
    ...(caCertificates.length > 0 ? { ca: [...getCACertificates("default"), ...caCertificates] } : {}),
  });
  let silence: Error | undefined;
  const whyOf = (error: Error): Error => failure(url, silence ?? error);
  request.once("timeout", () => {
    silence = new Error(`nothing came for ${timeoutMs / 1000} s`);
    request.destroy(silence);
  });
  request.on("error", (error) => reject(whyOf(error)));
  request.once("response", (response) => resolve({ response, whyOf }));
  request.end();
  return promise;
}

/** The body, whose reader learns in words why it broke off. */
function bodyOf(response: IncomingMessage, whyOf: Answer["whyOf"]): Readable {
  const body = new PassThrough();
  response.on("error", (error) => body.destroy(whyOf(error)));
  body.on("close", () => response.destroy());
  return response.pipe(body);
}

const untrusted: ReadonlySet<string> = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

function failure(url: URL, error: Error): CommandError {
  const { code } = error as NodeJS.ErrnoException;
  const message = `cannot read from ${url.host}: ${messageOf(error)}`;
  if (code !== undefined && untrusted.has(code)) {
    return new CommandError(message, "name its certificates with --cacert FILE, or --insecure-skip-tls-verify");
  }
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return new CommandError(message, "reach it by the name in its certificate (publicUrl of the storage location)");
  }
  return new CommandError(
    message,
    "this machine must reach the store (or, for provider local, the server) itself; publicUrl in the location's config names another address",
  );
}

function refusal(url: URL, status: number, said: string): CommandError {
  // S3 answers in XML, of which one element is for people.
  const message = /<Message>([^<]*)<\/Message>/.exec(said)?.[1] ?? said.split("\n")[0]?.slice(0, 200) ?? "";
  return new CommandError(
    `${url.host} answers with status ${status}${message === "" ? "" : `: ${message}`}`,
    "ask again: an address is good for ten minutes, and this machine's clock must be right",
  );
}

async function beginningOf(response: IncomingMessage): Promise<string> {
  let text = "";
  try {
    for await (const chunk of response) {
      text += String(chunk);
      if (text.length >= maxRefusalLength) break;
    }
  } catch {
    // What came before it broke off is all that there is to show.
  }
  return text.slice(0, maxRefusalLength);
}
