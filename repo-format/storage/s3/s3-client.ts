// The SDK's client, set up for one retry policy (ours), no checksums that we did not ask for, connections that are kept
// and time limits of our own.
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { S3ClientConfig } from "@aws-sdk/client-s3";
import { S3Client } from "@aws-sdk/client-s3";
import { RepositoryError } from "../../errors.ts";
import { credentialsProvider } from "./credentials.ts";
import { ReceivingHandler } from "./receiving-handler.ts";
import type { S3Options } from "./s3-options.ts";
import { encodeUriText } from "./uri-encoding.ts";

const defaultConnectTimeoutMs = 10_000;
const defaultStallTimeoutMs = 5 * 60_000;

/** Hands out one client per region: which region a bucket is in may only become known from an answer. */
export class S3ClientPool {
  readonly #options: S3Options;
  readonly #handler: ReceivingHandler;
  readonly #onServerDate: (dateMs: number) => void;
  readonly #clients = new Map<string, S3Client>();
  #region: string;

  constructor(options: S3Options, onServerDate: (dateMs: number) => void) {
    this.#options = options;
    this.#onServerDate = onServerDate;
    this.#region = options.region || regionOfEndpoint(options.endpoint) || "us-east-1";
    this.#handler = createHandler(options);
    this.client(); // a wrong setting shows now, not at the first request
    checkPublicEndpoint(options.publicEndpoint);
  }

  get region(): string {
    return this.#region;
  }

  /** @returns false when that is the region already in use. */
  switchRegion(region: string): boolean {
    if (region === this.#region) return false;
    this.#region = region;
    return true;
  }

  client(): S3Client {
    let client = this.#clients.get(this.#region);
    if (client === undefined) {
      client = new S3Client(this.#config(this.#region));
      observeServerDate(client, this.#onServerDate);
      this.#clients.set(this.#region, client);
    }
    return client;
  }

  /** Where the object is for others. */
  addressOf(fullKey: string): URL {
    const { endpoint, publicEndpoint, bucketLookup = "auto", bucket } = this.#options;
    const url = new URL(publicEndpoint ?? endpointOfRegion(endpoint, this.#region));
    const isPathStyle = usesPathStyle(bucketLookup, url.origin, bucket);
    if (!isPathStyle) url.host = `${bucket}.${url.host}`;
    const path = `${isPathStyle ? `${bucket}/` : ""}${fullKey}`.split("/").map(encodeUriText).join("/");
    url.pathname = `${url.pathname.replace(/\/$/, "")}/${path}`;
    return url;
  }

  close(): void {
    this.#handler.destroy();
    for (const client of this.#clients.values()) client.destroy();
  }

  #config(region: string): S3ClientConfig {
    const { endpoint, credentials = {}, bucketLookup = "auto", bucket } = this.#options;
    return {
      region,
      endpoint: endpointOfRegion(endpoint, region),
      forcePathStyle: usesPathStyle(bucketLookup, endpoint, bucket),
      maxAttempts: 1,
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
      // Waiting for "100 Continue" costs a round trip for each pack, and not every store sends it.
      expectContinueHeader: false,
      requestHandler: this.#handler,
      logger: silent,
      ...(credentials.anonymous ? anonymousAccess : { credentials: credentialsProvider(credentials, region) }),
    };
  }
}

const silent = {
  debug: (): void => undefined,
  info: (): void => undefined,
  warn: (): void => undefined,
  error: (): void => undefined,
};

const anonymousAccess: S3ClientConfig = {
  credentials: { accessKeyId: "", secretAccessKey: "" },
  signer: { sign: (request) => Promise.resolve(request) },
};

function createHandler(options: S3Options): ReceivingHandler {
  const { caCertificates, clientCertificate, insecureSkipTlsVerify = false } = options;
  const stallTimeoutMs = options.stallTimeoutMs ?? defaultStallTimeoutMs;
  const connectTimeoutMs = options.connectTimeoutMs ?? defaultConnectTimeoutMs;
  // How many requests run at a time is the connection limit's business, and it lets lock files pass.
  const shared = { keepAlive: true, maxSockets: Number.POSITIVE_INFINITY, scheduling: "lifo" } as const;
  const tls = {
    rejectUnauthorized: !insecureSkipTlsVerify,
    ...(caCertificates === undefined ? {} : { ca: caCertificates }),
    ...(clientCertificate === undefined ? {} : { cert: clientCertificate, key: clientCertificate }),
  };
  const handler = {
    httpAgent: new HttpAgent(shared),
    httpsAgent: new HttpsAgent({ ...shared, ...tls }),
    connectionTimeout: connectTimeoutMs,
    socketTimeout: stallTimeoutMs,
    logger: silent,
  };
  return new ReceivingHandler(handler, { connectTimeoutMs, stallTimeoutMs, tls });
}

function checkPublicEndpoint(text: string | undefined): void {
  if (text === undefined || /^https?:$/.test(URL.parse(text)?.protocol ?? "")) return;
  const message = `the store's public address ${JSON.stringify(text)} is no http:// or https:// URL`;
  throw new RepositoryError("storage-misconfigured", message);
}

/** Every answer, also an error, carries the store's clock. */
function observeServerDate(client: S3Client, onServerDate: (dateMs: number) => void): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const output = await next(args);
      const headers = (output.response as { headers?: Record<string, string> } | undefined)?.headers;
      const dateMs = Date.parse(headers?.date ?? "");
      if (!Number.isNaN(dateMs)) onServerDate(dateMs);
      return output;
    },
    { step: "deserialize", priority: "low", name: "observeServerDate" },
  );
}

/** s3.amazonaws.com, s3.REGION.amazonaws.com, the older s3-REGION, dualstack and China. */
const amazonHost = /^s3(?:[.-](?:dualstack\.)?(?<region>[a-z]{2}(?:-[a-z]+)+-\d+))?\.amazonaws\.com(?:\.cn)?$/;

function amazonRegion(endpoint: string): { region: string | undefined } | undefined {
  const url = new URL(endpoint);
  const match = url.protocol === "https:" && url.port === "" ? amazonHost.exec(url.hostname) : null;
  return match === null ? undefined : { region: match.groups?.region };
}

function regionOfEndpoint(endpoint: string): string | undefined {
  return amazonRegion(endpoint)?.region;
}

/** Amazon's endpoints follow the region; any other is taken as it is. */
function endpointOfRegion(endpoint: string, region: string): string {
  if (amazonRegion(endpoint) === undefined) return endpoint;
  return `https://s3.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`;
}

/** A dot in the bucket's name would not match the wildcard of the store's certificate. */
function usesPathStyle(lookup: "auto" | "dns" | "path", endpoint: string, bucket: string): boolean {
  if (lookup !== "auto") return lookup === "path";
  return amazonRegion(endpoint) === undefined || bucket.includes(".");
}
