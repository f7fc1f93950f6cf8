// A URL that carries its own signature (AWS Signature Version 4 in the query), so that whoever has it can read one object
// for a while without keys.
import { createHash, createHmac, type Hash, type Hmac } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";
import type { S3KeysProvider } from "./credentials.ts";

export interface PresignOptions {
  readonly region: string;
  readonly credentials: S3KeysProvider;
  readonly validMs: number;
}

/** Stores take no more. */
const longestSeconds = 7 * 24 * 3600;

export async function presignedUrl(address: URL, options: PresignOptions): Promise<string> {
  const { region, credentials, validMs } = options;
  const signer = new SignatureV4({ service: "s3", region, credentials, sha256: Sha256, uriEscapePath: false });
  const request = {
    method: "GET",
    protocol: address.protocol,
    hostname: address.hostname,
    ...(address.port === "" ? {} : { port: Number(address.port) }),
    path: address.pathname,
    // What is read has no body to sign.
    headers: { host: address.host, "x-amz-content-sha256": "UNSIGNED-PAYLOAD" },
  };
  const expiresIn = Math.min(longestSeconds, Math.max(1, Math.round(validMs / 1000)));
  const { query = {} } = await signer.presign(request, { expiresIn });
  const url = new URL(address);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
  return url.href;
}

/** The form in which the signer wants a hash: keyed when it is given a key. */
class Sha256 {
  readonly #hash: Hash | Hmac;

  constructor(key?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = key === undefined ? createHash("sha256") : createHmac("sha256", bytesOf(key));
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data));
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(this.#hash.digest()));
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === "string") return Buffer.from(data, "utf8");
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}
