// One bucket (and the prefix in it): names keys in full, sends requests, follows the store to the bucket's region and
// turns failures into our errors.
import type { S3Client } from "@aws-sdk/client-s3";
import { throwIfCancelled } from "../../errors.ts";
import { presignedUrl } from "./presigned-url.ts";
import { S3ClientPool } from "./s3-client.ts";
import { readFailure, s3Error } from "./s3-errors.ts";
import type { S3Options } from "./s3-options.ts";

/** What a request is for, as error messages say it. */
export interface RequestPurpose {
  /** A verb: "read", "write", "list" … */
  readonly action: string;
  /** Relative to the prefix; "" when the bucket itself is meant. */
  readonly key: string;
  readonly signal: AbortSignal | undefined;
}

/** Sends with the client given; called again with another client when the bucket turns out to be in another region. */
export type SendRequest<T> = (client: S3Client, handling: { abortSignal?: AbortSignal }) => Promise<T>;

export class S3Bucket {
  readonly location: string;
  readonly name: string;
  readonly connections: number;
  readonly listsByVersion1: boolean;
  readonly #endpoint: string;
  readonly #prefix: string;
  readonly #clients: S3ClientPool;
  readonly #isAnonymous: boolean;
  #clockOffsetMs: number | undefined;

  constructor(options: S3Options) {
    const { endpoint, bucket, prefix, clock } = options;
    this.name = bucket;
    this.connections = options.connections ?? 5;
    this.listsByVersion1 = options.listObjectsV1 ?? false;
    this.location = `s3:${endpoint}/${bucket}${prefix === "" ? "" : `/${prefix}`}`;
    this.#endpoint = endpoint;
    this.#prefix = prefix === "" ? "" : `${prefix}/`;
    this.#isAnonymous = options.credentials?.anonymous === true;
    this.#clients = new S3ClientPool(options, (dateMs) => {
      // The header counts whole seconds: on average the clock stood half a second later.
      if (clock !== undefined) this.#clockOffsetMs = dateMs + 500 - clock();
    });
  }

  get clockOffsetMs(): number | undefined {
    return this.#clockOffsetMs;
  }

  get region(): string {
    return this.#clients.region;
  }

  fullKey(key: string): string {
    return this.#prefix + key;
  }

  relativeKey(fullKey: string): string {
    return fullKey.slice(this.#prefix.length);
  }

  target(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.name, Key: this.fullKey(key) };
  }

  async send<T>(purpose: RequestPurpose, request: SendRequest<T>): Promise<T> {
    try {
      return await this.#sendOnce(purpose, request);
    } catch (error) {
      const { region } = readFailure(error);
      if (region === undefined || !this.#clients.switchRegion(region)) throw this.#explain(error, purpose);
      return await this.#sendOnce(purpose, request).catch((second: unknown) => {
        throw this.#explain(second, purpose);
      });
    }
  }

  /** A URL that reads the object for so long: seven days at most. */
  async signedUrl(key: string, validMs: number): Promise<string> {
    const address = this.#clients.addressOf(this.fullKey(key));
    if (this.#isAnonymous) return address.href;
    return await presignedUrl(address, {
      region: this.region,
      credentials: this.#clients.client().config.credentials,
      validMs,
    });
  }

  close(): void {
    this.#clients.close();
  }

  async #sendOnce<T>({ signal }: RequestPurpose, request: SendRequest<T>): Promise<T> {
    throwIfCancelled(signal);
    try {
      return await request(this.#clients.client(), signal === undefined ? {} : { abortSignal: signal });
    } catch (error) {
      throwIfCancelled(signal);
      throw error;
    }
  }

  #explain(error: unknown, { action, key }: RequestPurpose): unknown {
    const { name: bucket, clockOffsetMs } = this;
    return s3Error(error, { action, key, bucket, endpoint: this.#endpoint, clockOffsetMs });
  }
}
