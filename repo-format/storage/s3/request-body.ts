// A body of many buffers as a stream that copies nothing, in pieces small enough that a stalled upload is noticed and
// that not everything sits in the socket's queue at once.
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import type { ObjectBody } from "../object-storage.ts";
import { bodyParts, bodySizeBytes } from "../object-storage.ts";

const pieceBytes = 1 << 20;
/** Below this one copy and one write are cheaper than a stream. */
const joinBelowBytes = 256 << 10;

/** Pieces of a body that is held back: at a few KiB a second each must still be through long before the stall limit. */
const pacedPieceBytes = 16 << 10;

export type Pace = (bytes: number) => Promise<void>;

/** True for bodies that are sent piece by piece. */
export function isStreamed(body: ObjectBody): boolean {
  return bodySizeBytes(body) >= joinBelowBytes;
}

/** @param pace called before each piece of a body that is streamed */
export function requestBody(body: ObjectBody, pace?: Pace): Buffer | Readable {
  const parts = bodyParts(body);
  if (isStreamed(parts)) {
    const stream = pace === undefined ? pieces(parts, pieceBytes) : pacedPieces(parts, pace);
    return Readable.from(stream, { objectMode: false });
  }
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return Buffer.from(only.buffer, only.byteOffset, only.length);
  return Buffer.concat(parts);
}

export function sha256OfBody(body: ObjectBody): string {
  const hash = createHash("sha256");
  for (const part of bodyParts(body)) hash.update(part);
  return hash.digest("hex");
}

function* pieces(parts: readonly Uint8Array[], bytes: number): Generator<Uint8Array> {
  for (const part of parts) {
    for (let start = 0; start < part.length; start += bytes) yield part.subarray(start, start + bytes);
  }
}

async function* pacedPieces(parts: readonly Uint8Array[], pace: Pace): AsyncGenerator<Uint8Array> {
  for (const piece of pieces(parts, pacedPieceBytes)) {
    await pace(piece.length);
    yield piece;
  }
}
