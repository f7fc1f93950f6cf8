// Writes a stored directory with everything in it as an archive. Trees and blobs are fetched a little ahead and written in
// order, so that memory holds the trees on the way down, a few blobs, and what the archive's format asks for.

import type { Writable } from "node:stream";
import { RepositoryError } from "../errors.ts";
import { statModeFromFileMode } from "../format/file-mode.ts";
import type { BlobId } from "../format/id.ts";
import type { Node } from "../format/node.ts";
import { boundedParallel } from "../repository/bounded-parallel.ts";
import type { Repository } from "../repository/repository.ts";
import type { ArchiveEncoder, ArchiveEntry } from "./archive-encoder.ts";
import { writeTo } from "./dump.ts";
import { findTree, joinPath, splitPath } from "./find-node.ts";
import { ls } from "./ls.ts";
import { TarEncoder } from "./tar-encoder.ts";
import type { ListedNode } from "./walk-in-order.ts";
import { ZipEncoder } from "./zip-encoder.ts";

/** The formats that `dumpFolder` writes. */
export const archiveFormats = ["tar", "zip"] as const;

/** A format that `dumpFolder` writes. */
export type ArchiveFormat = (typeof archiveFormats)[number];

/** Entries and blobs that are looked at before it is their turn; with chunks of at most 8 MiB that bounds the memory. */
const maxAhead = 8;

const dumpedTypes: ReadonlySet<string> = new Set(["file", "dir", "symlink"]);

export interface DumpFolderOptions {
  readonly format: ArchiveFormat;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes what lies in the directory `folder.path` to `output`, which is left open; the names in the archive begin with that
 * path. Devices, pipes and sockets are left out. Hard links come as files of their own.
 * @param folder `path` below the tree; "/" for the tree itself.
 * @returns bytes written.
 * @throws RepositoryError "path-missing", "tree-malformed" when a file's blobs do not have its size, "blob-missing",
 *   "blob-damaged"; errors of `output`.
 */
export async function dumpFolder(
  repo: Repository,
  folder: { readonly treeId: BlobId; readonly path: Buffer | string },
  output: Writable,
  options: DumpFolderOptions,
): Promise<number> {
  const { format, signal } = options;
  const parts = splitPath(folder.path);
  const treeId = await findTree(repo, folder.treeId, joinPath(parts), signal);
  const prefix = parts.length === 0 ? Buffer.alloc(0) : joinPath(parts);
  const encoder = format === "tar" ? new TarEncoder() : new ZipEncoder();
  return await writeTo(output, archiveOf(repo, { treeId, prefix }, encoder, signal), signal);
}

type Item = { readonly listed: ListedNode } | { readonly blob: BlobId };
type ReadyItem = { readonly listed: ListedNode } | { readonly bytes: Buffer };

async function* archiveOf(
  repo: Repository,
  folder: { readonly treeId: BlobId; readonly prefix: Buffer },
  encoder: ArchiveEncoder,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer, void, undefined> {
  const load = async (item: Item): Promise<ReadyItem> =>
    "listed" in item ? item : { bytes: await repo.loadBlob({ type: "data", id: item.blob }, signal) };
  const limit = Math.min(maxAhead, 2 * repo.storage.connections);
  let open: OpenEntry | undefined;
  for await (const item of boundedParallel(itemsOf(repo, folder.treeId, signal), { limit, signal }, load)) {
    if ("bytes" in item) {
      if (open === undefined) throw new Error("bug: content before the first file of an archive");
      open.missingBytes -= item.bytes.length;
      // Before it is written: most formats have said the size by now.
      if (open.missingBytes < 0) throw wrongSize(open);
      yield await encoder.data(item.bytes);
    } else {
      yield await endOf(open, encoder);
      const { node, path } = item.listed;
      open = { path, missingBytes: node.type === "file" ? node.size : 0 };
      yield encoder.begin(entryOf(node, Buffer.concat([folder.prefix, path]).subarray(1)));
    }
  }
  yield await endOf(open, encoder);
  yield encoder.finish();
}

interface OpenEntry {
  readonly path: Buffer;
  missingBytes: number;
}

async function endOf(open: OpenEntry | undefined, encoder: ArchiveEncoder): Promise<Buffer> {
  if (open === undefined) return Buffer.alloc(0);
  if (open.missingBytes !== 0) throw wrongSize(open);
  return await encoder.end();
}

/** Each node before the blobs of its content. */
async function* itemsOf(
  repo: Repository,
  treeId: BlobId,
  signal: AbortSignal | undefined,
): AsyncGenerator<Item, void, undefined> {
  for await (const listed of ls(repo, treeId, { signal })) {
    if (!dumpedTypes.has(listed.node.type)) continue;
    yield { listed };
    if (listed.node.type === "file") for (const blob of listed.node.content ?? []) yield { blob };
  }
}

function entryOf(node: Node, path: Buffer): ArchiveEntry {
  const { uid, gid, user, group, mtime, extendedAttributes } = node;
  const type = node.type as ArchiveEntry["type"];
  return {
    type,
    path,
    mode: statModeFromFileMode(node.mode),
    uid,
    gid,
    user,
    group,
    mtime,
    sizeBytes: type === "file" ? node.size : 0,
    linkTarget: type === "symlink" ? (node.linkTarget ?? Buffer.alloc(0)) : Buffer.alloc(0),
    extendedAttributes,
  };
}

function wrongSize({ path }: OpenEntry): RepositoryError {
  const name = path.toString();
  return new RepositoryError("tree-malformed", `the pieces of the file "${name}" do not have its size`, {
    details: { path: name },
  });
}
