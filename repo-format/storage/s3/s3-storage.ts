// Objects in a bucket of any store that speaks S3. Demanded of it: reads and listings see finished writes, listings come
// in key order, and a body that does not match `x-amz-content-sha256` is refused.
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
} from "@aws-sdk/client-s3";
import { RepositoryError } from "../../errors.ts";
import type {
  GetOptions,
  GetRangeOptions,
  ListOptions,
  ObjectBody,
  ObjectInfo,
  ObjectStorage,
  PutOptions,
  RequestOptions,
} from "../object-storage.ts";
import { checkKey, checkPrefix, checkRange, objectExists, objectTooLarge, rangeInvalid } from "../object-storage.ts";
import { listFolderNames, listObjects } from "./list-objects.ts";
import type { BodyReceiver, ReceivingOptions } from "./receiving-handler.ts";
import { discard, readBody } from "./response-body.ts";
import { S3Bucket } from "./s3-bucket.ts";
import { hasReason } from "./s3-errors.ts";
import type { S3Options } from "./s3-options.ts";
import { S3Writer } from "./s3-writer.ts";

export class S3Storage implements ObjectStorage {
  readonly atomicReplace: boolean = true;
  /** Amazon's does; of all that speak its language nobody knows. */
  readonly listsAtOnce: boolean = false;
  readonly #bucket: S3Bucket;
  readonly #writer: S3Writer;
  readonly #createBucket: boolean;

  /** @throws RepositoryError "storage-misconfigured" for settings that cannot work. */
  constructor(options: S3Options) {
    this.#bucket = new S3Bucket(options);
    this.#writer = new S3Writer(this.#bucket, options.storageClass);
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
    await this.#writer.put(key, body, options);
  }

  async putFile(key: string, path: string, options: RequestOptions = {}): Promise<number> {
    checkKey(key);
    return await this.#writer.putFile(key, path, options);
  }

  get(key: string, options: GetOptions = {}): Promise<Buffer> {
    checkKey(key);
    return this.#read(key, undefined, options);
  }

  async getRange(key: string, offset: number, length: number, options: GetRangeOptions = {}): Promise<Buffer> {
    checkKey(key);
    checkRange(offset, length);
    if (length === 0) return Buffer.alloc(0);
    if (offset < 0) return this.#readTail(key, -offset, length, options);
    const bytes = await this.#read(key, { text: `bytes=${offset}-${offset + length - 1}`, start: offset }, options);
    if (bytes.length < length) throw rangeInvalid(this.location, key, { offset, length });
    return bytes.buffer === options.into?.buffer ? bytes.subarray(0, length) : cut(bytes, length);
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

  async signedUrl(key: string, validMs: number, options: RequestOptions = {}): Promise<string> {
    checkKey(key);
    // Any answer, also that it is not there, tells the bucket's region, which is part of what is signed.
    await this.#isStored(key, options);
    return await this.#bucket.signedUrl(key, validMs);
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

  /** A store that ignores the range and sends everything is put up with. */
  #read(key: string, range: ByteRange | undefined, options: GetOptions & GetRangeOptions): Promise<Buffer> {
    const { signal, maxBytes, pace, into } = options;
    const input = { ...this.#bucket.target(key), ...(range === undefined ? {} : { Range: range.text }) };
    return this.#bucket.send({ action: "read", key, signal }, async (client, handling) => {
      const receiver: BodyReceiver | undefined =
        into === undefined || pace !== undefined ? undefined : { memory: into };
      const receiving: ReceivingOptions = { ...handling, receiver };
      const answer = await client.send(new GetObjectCommand(input), receiving);
      if (maxBytes !== undefined && (answer.ContentLength ?? 0) > maxBytes) {
        discard(answer.Body);
        throw objectTooLarge(this.location, key, maxBytes);
      }
      const received = receiver?.received;
      const bytes = received
        ? Buffer.from(received.buffer, received.byteOffset, received.length)
        : await readBody(answer.Body, answer.ContentLength, key, pace);
      return range === undefined || answer.ContentRange !== undefined ? bytes : bytes.subarray(range.start);
    });
  }

  async #readTail(key: string, tailBytes: number, length: number, options: RequestOptions): Promise<Buffer> {
    try {
      return cut(await this.#read(key, { text: `bytes=-${tailBytes}`, start: -tailBytes }, options), length);
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

interface ByteRange {
  /** As the Range header has it. */
  readonly text: string;
  /** Negative: from the end. */
  readonly start: number;
}

/** The first bytes, in memory of their own. */
function cut(bytes: Buffer, length: number): Buffer {
  if (bytes.length <= length && bytes.buffer.byteLength === bytes.length) return bytes;
  const copy = Buffer.allocUnsafeSlow(Math.min(length, bytes.length));
  copy.set(bytes.subarray(0, length));
  return copy;
}
