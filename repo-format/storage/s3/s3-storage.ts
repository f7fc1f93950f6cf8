// Objects in a bucket of any store that speaks S3. Demanded of it: reads and listings see finished writes, listings come
// in key order, and a body that does not match `x-amz-content-sha256` is refused.
import type { PutObjectCommandInput, StorageClass } from "@aws-sdk/client-s3";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { RepositoryError } from "../../errors.ts";
import { isPackKey } from "../key-layout.ts";
import type {
  ListOptions,
  ObjectBody,
  ObjectInfo,
  ObjectStorage,
  PutOptions,
  RequestOptions,
} from "../object-storage.ts";
import { bodySizeBytes, checkKey, checkPrefix, checkRange, objectExists, rangeInvalid } from "../object-storage.ts";
import { listFolderNames, listObjects } from "./list-objects.ts";
import { requestBody, sha256OfBody } from "./request-body.ts";
import { readBody } from "./response-body.ts";
import { S3Bucket } from "./s3-bucket.ts";
import type { S3Options } from "./s3-options.ts";

export class S3Storage implements ObjectStorage {
  readonly atomicReplace: boolean = true;
  readonly #bucket: S3Bucket;
  readonly #storageClass: StorageClass | undefined;
  readonly #createBucket: boolean;
  /** Buckets with Object Lock insist on a checksum header; that shows at the first write. */
  #needsChecksum = false;

  /** @throws RepositoryError "storage-misconfigured" for settings that cannot work. */
  constructor(options: S3Options) {
    this.#bucket = new S3Bucket(options);
    this.#storageClass = options.storageClass as StorageClass | undefined;
    this.#createBucket = options.createBucket ?? false;
  }

  get location(): string {
    return this.#bucket.location;
  }

  get connections(): number {
    return this.#bucket.connections;
  }

  get clockOffsetMs(): number | undefined {
    return this.#bucket.clockOffsetMs;
  }

  async prepare({ signal }: RequestOptions = {}): Promise<void> {
    if (!this.#createBucket || (await this.#hasBucket(signal))) return;
    const { name, region } = this.#bucket;
    const place =
      region === "us-east-1" ? {} : { CreateBucketConfiguration: { LocationConstraint: region as "eu-west-1" } };
    const command = new CreateBucketCommand({ Bucket: name, ...place });
    try {
      await this.#bucket.send({ action: "create", key: "", signal }, (client, handling) =>
        client.send(command, handling),
      );
    } catch (error) {
      if (!hasReason(error, "BucketAlreadyOwnedByYou")) throw error; // another node was faster
    }
  }

  async put(key: string, body: ObjectBody, options: PutOptions = {}): Promise<void> {
    checkKey(key);
    // First asked, then written on condition: some stores ignore the condition, some answer before they read the body.
    if (options.ifAbsent && (await this.#isStored(key, options))) throw objectExists(this.location, key);
    const sha256 = options.sha256 ?? sha256OfBody(body);
    let conditional = options.ifAbsent ?? false;
    try {
      await this.#putObject(key, body, { ...options, sha256, ifAbsent: conditional });
    } catch (error) {
      if (asksForChecksum(error) && !this.#needsChecksum) this.#needsChecksum = true;
      else if (conditional && hasReason(error, "NotImplemented")) conditional = false;
      else throw isMismatch(error) && sha256OfBody(body) !== sha256 ? bodyChanged(this.location, key, error) : error;
      await this.#putObject(key, body, { ...options, sha256, ifAbsent: conditional });
    }
  }

  get(key: string, options: RequestOptions = {}): Promise<Buffer> {
    checkKey(key);
    return this.#read(key, undefined, options);
  }

  async getRange(key: string, offset: number, length: number, options: RequestOptions = {}): Promise<Buffer> {
    checkKey(key);
    checkRange(offset, length);
    if (length === 0) return Buffer.alloc(0);
    if (offset < 0) return this.#readTail(key, -offset, length, options);
    const bytes = await this.#read(key, `bytes=${offset}-${offset + length - 1}`, options);
    if (bytes.length !== length) throw rangeInvalid(this.location, key, { offset, length });
    return bytes;
  }

  async stat(key: string, { signal }: RequestOptions = {}): Promise<ObjectInfo> {
    checkKey(key);
    const command = new HeadObjectCommand(this.#bucket.target(key));
    const purpose = { action: "look up", key, signal };
    const answer = await this.#bucket.send(purpose, (client, handling) => client.send(command, handling));
    return { key, sizeBytes: answer.ContentLength ?? 0 };
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ObjectInfo> {
    checkPrefix(prefix);
    yield* listObjects(this.#bucket, prefix, options);
  }

  async listFolders(prefix: string, options: RequestOptions = {}): Promise<string[]> {
    checkPrefix(prefix);
    return listFolderNames(this.#bucket, prefix, options);
  }

  async delete(key: string, { signal }: RequestOptions = {}): Promise<void> {
    checkKey(key);
    const command = new DeleteObjectCommand(this.#bucket.target(key));
    try {
      await this.#bucket.send({ action: "delete", key, signal }, (client, handling) => client.send(command, handling));
    } catch (error) {
      if (!RepositoryError.is(error, "object-missing")) throw error;
    }
  }

  close(): Promise<void> {
    this.#bucket.close();
    return Promise.resolve();
  }

  /** A new command for each attempt: a streamed body can be sent once. */
  async #putObject(key: string, body: ObjectBody, options: PutOptions & { sha256: string }): Promise<void> {
    const input: PutObjectCommandInput = {
      ...this.#bucket.target(key),
      ContentLength: bodySizeBytes(body),
      ContentType: "application/octet-stream",
      ...(options.ifAbsent ? { IfNoneMatch: "*" } : {}),
      ...(this.#needsChecksum ? { ChecksumSHA256: Buffer.from(options.sha256, "hex").toString("base64") } : {}),
      ...(this.#storageClass !== undefined && isPackKey(key) && !options.isTreePack
        ? { StorageClass: this.#storageClass }
        : {}),
    };
    await this.#bucket.send({ action: "write", key, signal: options.signal }, (client, handling) => {
      const command = new PutObjectCommand({ ...input, Body: requestBody(body) });
      signWithHash(command, options.sha256);
      return client.send(command, handling);
    });
  }

  #read(key: string, range: string | undefined, { signal }: RequestOptions): Promise<Buffer> {
    const input = { ...this.#bucket.target(key), ...(range === undefined ? {} : { Range: range }) };
    return this.#bucket.send({ action: "read", key, signal }, async (client, handling) => {
      const answer = await client.send(new GetObjectCommand(input), handling);
      if (range !== undefined && answer.ContentRange === undefined) throw rangesUnsupported(this.location);
      return readBody(answer.Body, answer.ContentLength, key);
    });
  }

  async #readTail(key: string, tailBytes: number, length: number, options: RequestOptions): Promise<Buffer> {
    try {
      const tail = await this.#read(key, `bytes=-${tailBytes}`, options);
      return length < tail.length ? ownCopy(tail.subarray(0, length)) : tail;
    } catch (error) {
      // An empty object has no last bytes, which S3 calls an invalid range.
      if (RepositoryError.is(error, "range-invalid")) return Buffer.alloc(0);
      throw error;
    }
  }

  async #isStored(key: string, options: RequestOptions): Promise<boolean> {
    try {
      await this.stat(key, options);
      return true;
    } catch (error) {
      if (RepositoryError.is(error, "object-missing")) return false;
      throw error;
    }
  }

  /** Who may not look is taken to have a bucket, as in restic: the first write will tell. */
  async #hasBucket(signal: AbortSignal | undefined): Promise<boolean> {
    const command = new HeadBucketCommand({ Bucket: this.#bucket.name });
    try {
      await this.#bucket.send({ action: "look up", key: "", signal }, (client, handling) =>
        client.send(command, handling),
      );
      return true;
    } catch (error) {
      if (RepositoryError.is(error, "object-missing") || hasReason(error, "NoSuchBucket")) return false;
      if (RepositoryError.is(error, "storage-denied")) return true;
      throw error;
    }
  }
}

/**
 * A pack's name is the hash of its bytes: said in the header that the signature covers, it spares hashing the body again,
 * and makes the store check what it got.
 */
function signWithHash(command: PutObjectCommand, sha256: string): void {
  command.middlewareStack.add(
    (next) => (args) => {
      const { headers } = args.request as { headers: Record<string, string> };
      headers["x-amz-content-sha256"] = sha256;
      return next(args);
    },
    { step: "build", name: "signWithHash" },
  );
}

function ownCopy(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

function hasReason(error: unknown, reason: string): boolean {
  return RepositoryError.is(error) && error.details.reason === reason;
}

function asksForChecksum(error: unknown): boolean {
  return hasReason(error, "InvalidRequest") && /content-md5|x-amz-checksum/i.test((error as Error).message);
}

function isMismatch(error: unknown): boolean {
  return hasReason(error, "XAmzContentSHA256Mismatch") || hasReason(error, "BadDigest");
}

function bodyChanged(location: string, key: string, cause: unknown): RepositoryError {
  const message = `${location} refused ${key}: the bytes do not have the SHA-256 that was computed before`;
  return new RepositoryError("object-refused", message, { details: { key }, cause });
}

function rangesUnsupported(location: string): RepositoryError {
  return new RepositoryError("storage-misconfigured", `${location} does not answer requests for a range of bytes`);
}
