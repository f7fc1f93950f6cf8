// Writes objects: one PUT each, its body signed by the hash that is known anyway, streamed from the buffers or the file that
// it comes in.
import type { PutObjectCommandInput, StorageClass } from "@aws-sdk/client-s3";
import { AbortMultipartUploadCommand, CreateMultipartUploadCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { RepositoryError } from "../../errors.ts";
import { isPackKey } from "../key-layout.ts";
import type { ObjectBody, PutOptions, RequestOptions } from "../object-storage.ts";
import { type BodySource, buffersToSend, fileToSend } from "./request-body.ts";
import type { RequestPurpose, S3Bucket } from "./s3-bucket.ts";
import { hasReason } from "./s3-errors.ts";

type HashedPutOptions = PutOptions & { readonly sha256: string };

export class S3Writer {
  readonly #bucket: S3Bucket;
  readonly #storageClass: StorageClass | undefined;
  /** Buckets with Object Lock insist on a checksum header; that shows at the first write. */
  #needsChecksum = false;

  constructor(bucket: S3Bucket, storageClass: string | undefined) {
    this.#bucket = bucket;
    this.#storageClass = storageClass as StorageClass | undefined;
  }

  put(key: string, body: ObjectBody, options: PutOptions): Promise<void> {
    return this.#put(key, buffersToSend(body), options);
  }

  async putFile(key: string, path: string, options: RequestOptions): Promise<number> {
    const body = await fileToSend(path, options);
    await this.#put(key, body, options);
    return body.sizeBytes;
  }

  async #put(key: string, body: BodySource, options: PutOptions): Promise<void> {
    const sha256 = options.sha256 ?? (await body.sha256());
    let ifAbsent = options.ifAbsent ?? false;
    try {
      await this.#putObject(key, body, { ...options, sha256, ifAbsent });
    } catch (error) {
      if (asksForChecksum(error) && !this.#needsChecksum) this.#needsChecksum = true;
      else if (ifAbsent && hasReason(error, "NotImplemented")) ifAbsent = false;
      else throw isMismatch(error) && (await body.sha256()) !== sha256 ? this.#bytesChanged(key, error) : error;
      await this.#putObject(key, body, { ...options, sha256, ifAbsent });
    }
  }

  /** A new command for each attempt: a streamed body can be sent once. */
  async #putObject(key: string, body: BodySource, options: HashedPutOptions): Promise<void> {
    const input = { ...this.#inputOf(key, options), ContentLength: body.sizeBytes };
    const purpose = { action: "write", key, signal: options.signal };
    const { pace } = options;
    try {
      await this.#bucket.send(purpose, async (client, handling) => {
        if (!body.isStreamed) await pace?.(input.ContentLength);
        const opened = body.open(pace);
        const command = new PutObjectCommand({ ...input, Body: opened });
        signWithHash(command, options.sha256);
        try {
          return await client.send(command, handling);
        } finally {
          if (!Buffer.isBuffer(opened)) opened.destroy(); // a request that failed may have left it open
        }
      });
    } catch (error) {
      if (wasCutOff(error)) await this.#askForRefusal(purpose);
      throw error;
    }
  }

  /**
   * Stores refuse a large body by closing the connection while it is being sent, and their answer is lost. An upload in
   * parts needs the same rights but has no body at its start: asking for one brings the reason to light.
   */
  async #askForRefusal(purpose: RequestPurpose): Promise<void> {
    const target = this.#bucket.target(purpose.key);
    try {
      await this.#bucket.send(purpose, async (client, handling) => {
        const { UploadId } = await client.send(new CreateMultipartUploadCommand(target), handling);
        await client.send(new AbortMultipartUploadCommand({ ...target, UploadId }), handling);
      });
    } catch (error) {
      if (RepositoryError.is(error) && error.retry === "never") throw error;
    }
  }

  #inputOf(key: string, options: HashedPutOptions): PutObjectCommandInput {
    const goesToClass = this.#storageClass !== undefined && isPackKey(key) && !options.isTreePack;
    return {
      ...this.#bucket.target(key),
      ContentType: "application/octet-stream",
      ...(options.ifAbsent ? { IfNoneMatch: "*" } : {}),
      ...(this.#needsChecksum ? { ChecksumSHA256: Buffer.from(options.sha256, "hex").toString("base64") } : {}),
      ...(goesToClass ? { StorageClass: this.#storageClass } : {}),
    };
  }

  #bytesChanged(key: string, cause: unknown): RepositoryError {
    const message = `${this.#bucket.location} refused ${key}: the bytes do not have the SHA-256 computed before`;
    return new RepositoryError("object-refused", message, { details: { key }, cause });
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

function wasCutOff(error: unknown): boolean {
  if (!RepositoryError.is(error, "storage-unavailable")) return false;
  return error.details.errno === "EPIPE" || error.details.errno === "ECONNRESET";
}

function asksForChecksum(error: unknown): boolean {
  return hasReason(error, "InvalidRequest") && /content-md5|x-amz-checksum/i.test((error as Error).message);
}

function isMismatch(error: unknown): boolean {
  return hasReason(error, "XAmzContentSHA256Mismatch") || hasReason(error, "BadDigest");
}
