// A body of many buffers as a stream that copies nothing, in pieces small enough that a stalled upload is noticed and
// that not everything sits in the socket's queue at once.
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import type { ObjectBody } from "../object-storage.ts";
import { bodyParts, bodySizeBytes } from "../object-storage.ts";

const pieceBytes = 1 << 20;
/** Below this one copy and one write are cheaper than a stream. */
const joinBelowBytes = 256 << 10;

export function requestBody(body: ObjectBody): Buffer | Readable {
  const parts = bodyParts(body);
  if (bodySizeBytes(parts) >= joinBelowBytes) return Readable.from(pieces(parts), { objectMode: false });
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return Buffer.from(only.buffer, only.byteOffset, only.length);
  return Buffer.concat(parts);
}

export function sha256OfBody(body: ObjectBody): string {
  const hash = createHash("sha256");
  for (const part of bodyParts(body)) hash.update(part);
  return hash.digest("hex");
}

function* pieces(parts: readonly Uint8Array[]): Generator<Uint8Array> {
  for (const part of parts) {
    for (let start = 0; start < part.length; start += pieceBytes) yield part.subarray(start, start + pieceBytes);
  }
}
