// Where each kind of repository file lies in the store: restic's default layout, the same in a directory and in a bucket
// (restic design document, "Repository Layout").
import type { Id } from "../format/id.ts";
import { isId } from "../format/id.ts";

/** The last two are ours alone: below "stowage/", where restic neither lists nor deletes. */
export type FileKind = "key" | "snapshot" | "index" | "lock" | "pack" | "mark" | "origin";

/** The one file without an id; a repository exists when this key does. */
export const configKey = "config";

const folders: Readonly<Record<FileKind, string>> = {
  key: "keys/",
  snapshot: "snapshots/",
  index: "index/",
  lock: "locks/",
  pack: "data/",
  mark: "stowage/pending-deletions/",
  origin: "stowage/origin/",
};

/** Names of the 256 folders that packs are spread over: the first two digits of the pack's id. */
export const packFolders: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, "0"),
);

export function keyOf(kind: FileKind, id: Id): string {
  return kind === "pack" ? `data/${id.slice(0, 2)}/${id}` : `${folders[kind]}${id}`;
}

export function listPrefix(kind: FileKind): string {
  return folders[kind];
}

/**
 * The id that a listed key stands for; undefined for foreign names. Packs are known by their base name wherever they lie
 * below `data/`, as in restic: one in the wrong folder is listed and then fails to load.
 */
export function idFromKey(kind: FileKind, key: string): Id | undefined {
  const folder = folders[kind];
  if (!key.startsWith(folder)) return undefined;
  const name = kind === "pack" ? key.slice(key.lastIndexOf("/") + 1) : key.slice(folder.length);
  return isId(name) ? name : undefined;
}

/** Restic's kinds; "other" is whatever else there is, ours included. */
export type StoredKind = Exclude<FileKind, "mark" | "origin"> | "config" | "other";

const kindsOfFolders: ReadonlyMap<string, StoredKind> = new Map(
  Object.entries(folders).map(([kind, folder]) => [folder, kind as StoredKind]),
);

/** What a key or the prefix of a listing is about, by its folder. */
export function storedKindOf(key: string): StoredKind {
  if (key === configKey) return "config";
  return kindsOfFolders.get(key.slice(0, key.indexOf("/") + 1)) ?? "other";
}

/** Lock files must never wait behind data: a lock that is not refreshed in time is lost. */
export function isLockKey(key: string): boolean {
  return key.startsWith(folders.lock);
}

export function isSnapshotKey(key: string): boolean {
  return key.startsWith(folders.snapshot);
}

export function isPackKey(key: string): boolean {
  return key.startsWith(folders.pack);
}

/** True for the folder that may hold very many objects. */
export function isPackPrefix(prefix: string): boolean {
  return prefix === folders.pack;
}
