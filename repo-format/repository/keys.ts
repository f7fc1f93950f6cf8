// The passwords of a repository: each is a key file that wraps the same master key. Removing one therefore locks nobody
// out who has copied the master key; only a new repository does.
import { RepositoryError } from "../errors.ts";
import type { KeyId } from "../format/id.ts";
import { decodeKeyFile, type KeyFile, type ScryptParameters } from "../format/key-file.ts";
import { openKey, writeKey } from "./key-search.ts";
import type { Repository } from "./repository.ts";
import { readVerified } from "./unpacked-files.ts";

export interface ListedKey {
  readonly id: KeyId;
  readonly key: KeyFile;
}

export interface AddKeyOptions {
  readonly password: string;
  /** Default: the identity that the repository was opened with. */
  readonly username?: string | undefined;
  readonly hostname?: string | undefined;
  /** Default: measured so that one try costs about half a second. */
  readonly kdf?: ScryptParameters | undefined;
}

/** Every key that can be read, in the order of the listing. */
export async function listKeys(repo: Repository, signal?: AbortSignal): Promise<ListedKey[]> {
  const keys: ListedKey[] = [];
  for await (const { id } of repo.list("key", signal)) {
    try {
      keys.push({ id: id as KeyId, key: decodeKeyFile(await readVerified(repo.storage, { kind: "key", id }, signal)) });
    } catch (error) {
      if (!isUnreadable(error)) throw error;
    }
  }
  return keys;
}

/** Stores a key for a further password and opens it again before its id is told. */
export async function addKey(repo: Repository, options: AddKeyOptions): Promise<KeyId> {
  const { masterKey, storage } = repo;
  const id = await writeKey(storage, repo.options, { masterKey, ...options });
  try {
    const opened = await openKey(await readVerified(storage, { kind: "key", id }), options.password);
    if (!opened.encrypt.equals(masterKey.encrypt)) throw new Error("bug: the new key holds another master key");
  } catch (error) {
    await storage.delete(`keys/${id}`).catch(() => undefined);
    throw error;
  }
  return id;
}

/**
 * Removes a password.
 * @param idOrPrefix of a key that is not the one in use.
 * @returns the removed key's id. @throws RepositoryError "key-missing", "key-in-use", "argument-invalid" (ambiguous)
 */
export async function removeKey(repo: Repository, idOrPrefix: string): Promise<KeyId> {
  const found: KeyId[] = [];
  for await (const { id } of repo.list("key")) if (id.startsWith(idOrPrefix)) found.push(id as KeyId);
  const [id, second] = found;
  if (id === undefined || idOrPrefix === "") {
    throw new RepositoryError("key-missing", `no key has the id ${JSON.stringify(idOrPrefix)}`);
  }
  if (second !== undefined) {
    throw new RepositoryError("argument-invalid", `${found.length} keys begin with ${idOrPrefix}; give more digits`);
  }
  if (id === repo.keyId) throw new RepositoryError("key-in-use", `the key ${id} opened the repository`);
  await repo.remove("key", id);
  return id;
}

/** Adds a key for the new password and removes the one in use. @returns the new key's id */
export async function changePassword(
  repo: Repository,
  password: string,
  owner: Omit<AddKeyOptions, "password"> = {},
): Promise<KeyId> {
  const id = await addKey(repo, { ...owner, password });
  await repo.remove("key", repo.keyId);
  return id;
}

/** Not a key of ours to show, or gone since it was listed. */
function isUnreadable(error: unknown): boolean {
  return (
    RepositoryError.is(error, "key-malformed") ||
    RepositoryError.is(error, "file-damaged") ||
    RepositoryError.is(error, "object-missing")
  );
}
