// Reads an answer's body into one buffer and counts: a connection that breaks off must never pass for a short object.
import { RepositoryError } from "../../errors.ts";
import type { Pace } from "./request-body.ts";

/**
 * @param body the SDK's stream: a Node readable.
 * @param pace called for each piece that has come, and waited for.
 * @param expectedBytes Content-Length; undefined when the store did not say, which leaves only the transfer's own end mark.
 * @throws RepositoryError "object-truncated" for too few bytes or too many.
 */
export async function readBody(
  body: unknown,
  expectedBytes: number | undefined,
  key: string,
  pace?: Pace,
): Promise<Buffer> {
  if (body === undefined) return Buffer.alloc(0);
  const stream =
    pace === undefined ? (body as AsyncIterable<Uint8Array>) : paced(body as AsyncIterable<Uint8Array>, pace);
  return expectedBytes === undefined ? readUnsized(stream) : readSized(stream, expectedBytes, key);
}

/** The sender is held back by not being listened to. */
async function* paced(stream: AsyncIterable<Uint8Array>, pace: Pace): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) {
    await pace(chunk.length);
    yield chunk;
  }
}

/** Gives up a body that nobody is going to read; its connection goes with it. */
export function discard(body: unknown): void {
  (body as { destroy?: () => void } | undefined)?.destroy?.();
}

async function readSized(stream: AsyncIterable<Uint8Array>, expectedBytes: number, key: string): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(expectedBytes); // memory of its own: may be transferred to a thread
  let done = 0;
  for await (const chunk of stream) {
    if (done + chunk.length > expectedBytes) throw truncated(key, done + chunk.length, expectedBytes);
    buffer.set(chunk, done);
    done += chunk.length;
  }
  if (done < expectedBytes) throw truncated(key, done, expectedBytes);
  return buffer;
}

async function readUnsized(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  const joined = Buffer.allocUnsafeSlow(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    joined.set(chunk, offset);
    offset += chunk.length;
  }
  return joined;
}

function truncated(key: string, receivedBytes: number, expectedBytes: number): RepositoryError {
  const message = `the store sent ${receivedBytes} of ${expectedBytes} bytes of ${key}`;
  return new RepositoryError("object-truncated", message, { details: { key, receivedBytes, expectedBytes } });
}
