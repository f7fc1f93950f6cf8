// A local file that is on its way into a store: read piece by piece, through one descriptor.
import { constants, type FileHandle, open, stat } from "node:fs/promises";
import { RepositoryError, throwIfCancelled } from "../errors.ts";
import type { RequestOptions } from "./object-storage.ts";

const pieceBytes = 1 << 20;

/**
 * The file's bytes in pieces of at most 1 MiB. A piece is only valid until the next one is asked for.
 * @throws RepositoryError "source-unreadable", "cancelled"
 */
export async function* filePieces(path: string, { signal, pace }: RequestOptions): AsyncGenerator<Uint8Array> {
  throwIfCancelled(signal);
  const file = await openFile(path);
  try {
    const buffer = Buffer.allocUnsafe(pieceBytes);
    for (;;) {
      throwIfCancelled(signal);
      const { bytesRead } = await file.read(buffer, 0, buffer.length).catch((error: unknown) => {
        throw unreadable(path, error);
      });
      if (bytesRead === 0) return;
      await pace?.(bytesRead);
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/** @throws RepositoryError "source-unreadable" */
export async function fileSizeBytes(path: string): Promise<number> {
  const stats = await stat(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  return stats.size;
}

/** No FIFO is waited for. */
async function openFile(path: string): Promise<FileHandle> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    if ((await file.stat()).isFile()) return file;
    await file.close();
  } catch (error) {
    throw unreadable(path, error);
  }
  throw unreadable(path, new Error("it is no regular file"));
}

function unreadable(path: string, cause: unknown): RepositoryError {
  const reason = (cause as NodeJS.ErrnoException).code ?? (cause as Error).message;
  return new RepositoryError("source-unreadable", `cannot read ${path}: ${reason}`, { details: { path }, cause });
}
