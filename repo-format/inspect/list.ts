// Names what a repository holds: the ids of its files, or all blobs of its index.

import type { Repository } from "../repository/repository.ts";

const fileKinds = { packs: "pack", index: "index", snapshots: "snapshot", keys: "key", locks: "lock" } as const;

/** Every kind that `list` can list. */
export const listKinds = ["blobs", "packs", "index", "snapshots", "keys", "locks"] as const;
/** What `list` can list. */
export type ListKind = (typeof listKinds)[number];

/** One line each: an id, or type and id of a blob ("data 3ec7…", once a copy; needs a loaded index). */
export async function* list(repo: Repository, kind: ListKind, signal?: AbortSignal): AsyncGenerator<string> {
  if (kind !== "blobs") {
    for await (const { id } of repo.list(fileKinds[kind], signal)) yield id;
    return;
  }
  for (const { type, id } of repo.index.blobs()) yield `${type} ${id}`;
}
