// What a PUT sends: many buffers as a stream that copies nothing, or a file; in pieces small enough that a stalled upload is
// noticed and that not everything sits in the socket's queue at once.
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { filePieces, fileSizeBytes } from "../file-pieces.ts";
import type { ObjectBody, RequestOptions } from "../object-storage.ts";
import { bodyParts, bodySizeBytes } from "../object-storage.ts";

const pieceBytes = 1 << 20;
/** Below this one copy and one write are cheaper than a stream. */
const joinBelowBytes = 256 << 10;

/** Pieces of a body that is held back: at a few KiB a second each must still be through long before the stall limit. */
const pacedPieceBytes = 16 << 10;

export type Pace = (bytes: number) => Promise<void>;

/** A body that can be sent again. */
export interface BodySource {
  readonly sizeBytes: number;
  /** True when it is sent piece by piece. */
  readonly isStreamed: boolean;
  /** In hex; of the bytes as they are now. */
  sha256(): Promise<string>;
  /** @param pace called before each piece of a body that is streamed */
  open(pace?: Pace): Buffer | Readable;
}

export function buffersToSend(body: ObjectBody): BodySource {
  return {
    sizeBytes: bodySizeBytes(body),
    isStreamed: isStreamed(body),
    sha256: async () => sha256OfBody(body),
    open: (pace) => requestBody(body, pace),
  };
}

/** Its methods, too, throw RepositoryError "source-unreadable" and "cancelled". */
export async function fileToSend(path: string, { signal }: RequestOptions): Promise<BodySource> {
  return {
    sizeBytes: await fileSizeBytes(path),
    isStreamed: true,
    sha256: async () => {
      const hash = createHash("sha256");
      for await (const piece of filePieces(path, { signal })) hash.update(piece);
      return hash.digest("hex");
    },
    open: (pace) => Readable.from(copies(filePieces(path, { signal, pace })), { objectMode: false }),
  };
}
/** True for bodies that are sent piece by piece. */
function isStreamed(body: ObjectBody): boolean {
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

/** A socket keeps what it was given until it is sent, longer than the file's reader keeps it. */
async function* copies(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  for await (const piece of pieces) yield Buffer.from(piece);
}
