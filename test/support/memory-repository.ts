// Small repositories in memory for tests: keys that cost nothing to open, and ways to put something in.
import { createCipheriv, createHash } from "node:crypto";
import type { BlobType } from "../../repo-format/format/blob.ts";
import type { BlobId, SnapshotId, TreeId } from "../../repo-format/format/id.ts";
import type { Snapshot } from "../../repo-format/format/snapshot-file.ts";
import { withBlobUploader } from "../../repo-format/repository/blob-uploader.ts";
import { initRepository, openRepository, type Repository } from "../../repo-format/repository/repository.ts";
import type { RepositoryIdentity, RepositoryOptions } from "../../repo-format/repository/repository-options.ts";
import { InMemoryStorage } from "../../repo-format/storage/in-memory.ts";
import type { ObjectStorage } from "../../repo-format/storage/object-storage.ts";

export const testPassword = "secret";

export const testIdentity: RepositoryIdentity = {
  hostname: "host-1",
  username: "tester",
  pid: process.pid,
  uid: 1000,
  gid: 1000,
};

/** scrypt parameters that take no time. */
export const cheapKdf = { N: 2, r: 1, p: 1 } as const;

export type TestRepositoryOptions = Partial<RepositoryOptions> & { readonly version?: 1 | 2 };

/** A new repository, in memory unless a store is given. */
export function createTestRepository(options: TestRepositoryOptions = {}): Promise<Repository> {
  return initRepository({ ...withDefaults(options), kdf: cheapKdf });
}

/** A second look at the same store, as another process would take it. */
export function reopen(storage: ObjectStorage, options: TestRepositoryOptions = {}): Promise<Repository> {
  return openRepository(withDefaults({ ...options, storage }));
}

function withDefaults(options: TestRepositoryOptions): RepositoryOptions {
  return { storage: new InMemoryStorage(), password: testPassword, identity: testIdentity, ...options };
}

/** Bytes that look random and are the same for the same seed. */
export function seededBytes(seed: number | string, size: number): Buffer {
  const key = createHash("sha256").update(`seed ${seed}`).digest();
  return createCipheriv("aes-256-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(size));
}

/** Stores blobs and their index. @returns their ids, in the order of the contents */
export function storeBlobs(repo: Repository, type: BlobType, contents: readonly Buffer[]): Promise<BlobId[]> {
  return withBlobUploader(repo, {}, async (uploader) => {
    const ids: BlobId[] = [];
    for (const content of contents) ids.push((await uploader.saveBlob(type, content)).id);
    return ids;
  });
}

export function storeSnapshot(repo: Repository, tree: TreeId, fields: Partial<Snapshot> = {}): Promise<SnapshotId> {
  return repo.saveSnapshot({
    time: "2024-05-01T10:00:00Z",
    tree,
    paths: ["/data"],
    hostname: "host-1",
    username: "tester",
    uid: 1000,
    gid: 1000,
    excludes: [],
    tags: [],
    programVersion: "stowage test",
    unknown: {},
    ...fields,
  });
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Every key of the store below the prefix. */
export async function storedKeys(storage: Pick<ObjectStorage, "list">, prefix: string = ""): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of storage.list(prefix)) keys.push(key);
  return keys;
}
