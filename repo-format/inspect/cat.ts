// Shows one stored thing decrypted: the small files as indented JSON, blobs, trees and packs as their bytes.

import { RepositoryError } from "../errors.ts";
import type { BlobType } from "../format/blob.ts";
import { encodeConfig } from "../format/config-file.ts";
import { type BlobId, parseId } from "../format/id.ts";
import { encodeMasterKey } from "../format/key-file.ts";
import { encodeSnapshot } from "../format/snapshot-file.ts";
import { resolveSnapshot } from "../repository/find-snapshots.ts";
import type { Repository } from "../repository/repository.ts";
import { readVerified } from "../repository/unpacked-files.ts";
import { findTree } from "./find-node.ts";

/** Every kind that `cat` can show. */
export const catKinds = ["config", "masterkey", "key", "snapshot", "index", "lock", "pack", "blob", "tree"] as const;
/** What `cat` can show. */
export type CatKind = (typeof catKinds)[number];

/** Kinds whose bytes are not text. */
export function isBinary(kind: CatKind): boolean {
  return kind === "pack" || kind === "blob" || kind === "tree";
}

/**
 * The content of a stored thing; text ends without a newline. "blob" and "tree" need a loaded index.
 * @param name nothing for "config" and "masterkey"; an id; for "snapshot" also a unique prefix or "latest", for "tree" the
 *   same with an optional `:<subfolder>`. "masterkey" shows the secret that everything is encrypted with.
 * @throws RepositoryError "argument-invalid", "object-missing", "snapshot-missing", "blob-missing", "file-damaged" …
 */
export async function cat(
  repo: Repository,
  kind: CatKind,
  name: string,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Buffer> {
  const { signal } = options;
  switch (kind) {
    case "config":
      return indented(encodeConfig(repo.config));
    case "masterkey":
      return indented(encodeMasterKey(repo.masterKey));
    case "key":
      return indented(await readVerified(repo.storage, { kind, id: parseId(name) }, signal));
    case "pack":
      return await readVerified(repo.storage, { kind, id: parseId(name) }, signal);
    case "snapshot":
      return indented(encodeSnapshot((await resolveSnapshot(repo, name, { signal })).snapshot));
    case "index":
      return await repo.loadUnpacked(kind, parseId(name), signal);
    case "lock":
      return indented(await repo.loadUnpacked(kind, parseId(name), signal));
    case "blob":
      return await catBlob(repo, parseId<BlobId>(name), signal);
    case "tree": {
      const { snapshot, subfolder } = await resolveSnapshot(repo, name, { signal });
      return await repo.loadTree(await findTree(repo, snapshot.tree, subfolder, signal), signal);
    }
  }
}

/** The index says of which type the blob is; data first, as in restic. */
async function catBlob(repo: Repository, id: BlobId, signal: AbortSignal | undefined): Promise<Buffer> {
  const type = (["data", "tree"] satisfies BlobType[]).find((candidate) => repo.index.has(candidate, id));
  if (type === undefined) throw new RepositoryError("blob-missing", `no index file has the blob ${id}`);
  return await repo.loadBlob({ type, id }, signal);
}

function indented(json: Buffer): Buffer {
  return Buffer.from(JSON.stringify(JSON.parse(json.toString()), null, 2));
}
