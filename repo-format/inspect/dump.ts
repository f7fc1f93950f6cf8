// Writes the contents of one stored file to a stream: blobs are fetched a few ahead and written in order.

import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { RepositoryError, throwIfCancelled } from "../errors.ts";
import type { BlobId } from "../format/id.ts";
import type { Repository } from "../repository/repository.ts";
import { findNode } from "./find-node.ts";

/** Fetched or waiting to be written at one time; with chunks of at most 8 MiB that bounds the memory. */
const maxBlobsAhead = 4;

/**
 * Writes the file at `path` to `output`, which is left open.
 * @returns bytes written.
 * @throws RepositoryError "path-missing" when there is no such file, "blob-missing", "blob-damaged"; errors of `output`.
 */
export async function dumpFile(
  repo: Repository,
  file: { readonly treeId: BlobId; readonly path: Buffer | string },
  output: Writable,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<number> {
  const node = await findNode(repo, file.treeId, file.path, options.signal);
  if (node.type !== "file") {
    const path = file.path.toString();
    throw new RepositoryError("path-missing", `"${path}" is a ${node.type}, not a file`, { details: { path } });
  }
  return await writeTo(output, blobsInOrder(repo, node.content ?? [], options.signal), options.signal);
}

/** Writes the pieces as fast as `output` takes them, and leaves it open. @returns bytes written */
export async function writeTo(
  output: Writable,
  pieces: AsyncIterable<Buffer>,
  signal: AbortSignal | undefined,
): Promise<number> {
  let written = 0;
  async function* counted(): AsyncGenerator<Buffer, void, undefined> {
    for await (const bytes of pieces) {
      if (bytes.length > 0) yield bytes;
      written += bytes.length;
    }
  }
  const source = Readable.from(counted(), { objectMode: false, highWaterMark: 1 });
  try {
    await pipeline(source, output, { end: false, ...(signal ? { signal } : {}) });
  } catch (error) {
    throwIfCancelled(signal);
    throw error;
  }
  return written;
}

async function* blobsInOrder(
  repo: Repository,
  ids: readonly BlobId[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer, void, undefined> {
  const ahead: Promise<Buffer>[] = [];
  let next = 0;
  while (next < ids.length || ahead.length > 0) {
    while (ahead.length < Math.min(maxBlobsAhead, repo.storage.connections) && next < ids.length) {
      const load = repo.loadBlob({ type: "data", id: ids[next++] as BlobId }, signal);
      // A later blob may fail while an earlier one is still awaited; it is reported when its turn comes.
      load.catch(() => {});
      ahead.push(load);
    }
    yield await (ahead.shift() as Promise<Buffer>);
  }
}
