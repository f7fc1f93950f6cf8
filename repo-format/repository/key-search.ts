// Finds the key that a password opens, and makes new key files (restic design, *Keys, Encryption and MAC*).
import { calibrateScrypt, deriveKey } from "../crypto/password-key.ts";
import { Sealer } from "../crypto/seal.ts";
import { RepositoryError } from "../errors.ts";
import { idOf, type KeyId, shortId } from "../format/id.ts";
import {
  decodeKeyFile,
  decodeMasterKey,
  encodeKeyFile,
  encodeMasterKey,
  type KeyFile,
  type MasterKey,
  type ScryptParameters,
  saltBytes,
} from "../format/key-file.ts";
import { formatTime } from "../format/time.ts";
import { keyOf } from "../storage/key-layout.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import type { RepositorySettings } from "./repository-options.ts";
import { listFiles, readVerified } from "./unpacked-files.ts";

/** restic tries no more; each try costs half a second. */
const maxTriedKeys = 20;

export interface OpenedKey {
  readonly keyId: KeyId;
  readonly masterKey: MasterKey;
}

export interface KeySearch {
  readonly storage: ObjectStorage;
  readonly password: string;
  readonly keyHint?: string | undefined;
  /** What `listKeyIds` gave or will give; listed anew without it. */
  readonly keyIds?: Promise<readonly KeyId[]> | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onWarning?: ((message: string) => void) | undefined;
  /**
   * Whether the config opens with this master key. A process that lost the race to create the repository and died before
   * it removed its key leaves one that the password opens and that fits nothing.
   */
  readonly fits?: ((masterKey: MasterKey) => boolean) | undefined;
}

/**
 * Tries the hinted key, then the others as listed, at most 20.
 * @throws RepositoryError "wrong-password" when keys could be read and none opens (or there is none at all);
 *   "key-malformed", "file-damaged" … when no key could be read;
 *   "config-malformed" when the password opens keys and none of them fits the config
 */
export async function searchKey(search: KeySearch): Promise<OpenedKey> {
  const { storage, password, signal, onWarning } = search;
  const ids = inOrder(await (search.keyIds ?? listKeyIds(storage, signal)), search.keyHint);
  const failures: unknown[] = [];
  for (const keyId of ids.slice(0, maxTriedKeys)) {
    try {
      const file = await readVerified(storage, { kind: "key", id: keyId }, signal);
      const masterKey = await openKey(file, password);
      if (search.fits?.(masterKey) ?? true) return { keyId, masterKey };
      failures.push(new RepositoryError("config-malformed", `the key ${shortId(keyId)} does not open the config file`));
    } catch (error) {
      if (RepositoryError.is(error, "object-missing")) continue;
      if (!isKeyFailure(error)) throw error;
      failures.push(error);
      if (error.code !== "wrong-password") onWarning?.(`the key ${shortId(keyId)} cannot be read: ${error.message}`);
    }
  }
  throw searchError(storage.location, failures, ids.length);
}

function isKeyFailure(error: unknown): error is RepositoryError {
  const codes = ["wrong-password", "key-malformed", "file-damaged"] as const;
  return codes.some((code) => RepositoryError.is(error, code));
}

/** What the failures of all keys come to. */
function searchError(location: string, failures: readonly unknown[], listed: number): unknown {
  const misfit = failures.find((error) => RepositoryError.is(error, "config-malformed"));
  if (misfit !== undefined) return misfit;
  const tried = failures.filter((error) => RepositoryError.is(error, "wrong-password")).length;
  const unreadable = failures.length - tried;
  if (tried === 0 && unreadable > 0) return failures[0];
  return wrongPassword(location, { tried, unreadable, listed });
}

/**
 * Opens one key file.
 * @throws RepositoryError "wrong-password" only when the password does not fit; "key-malformed" for everything else
 */
export async function openKey(file: Uint8Array, password: string): Promise<MasterKey> {
  const key = decodeKeyFile(file);
  const sealer = new Sealer(await deriveKey(password, key));
  let opened: Buffer;
  try {
    opened = sealer.open(key.data);
  } catch (error) {
    if (!RepositoryError.is(error, "authentication-failed")) throw error;
    throw new RepositoryError("wrong-password", "the password does not open this key", { cause: error });
  }
  return decodeMasterKey(opened);
}

export interface NewKey {
  readonly masterKey: MasterKey;
  readonly password: string;
  /** Default: measured so that one try costs about half a second. */
  readonly kdf?: ScryptParameters | undefined;
  readonly username?: string | undefined;
  readonly hostname?: string | undefined;
}

/** Stores a new key file for the master key and returns its id. */
export async function writeKey(storage: ObjectStorage, settings: RepositorySettings, key: NewKey): Promise<KeyId> {
  const { identity, clock, random } = settings;
  const parameters = key.kdf ?? (await calibrateScrypt());
  const salt = random(saltBytes);
  const sealer = new Sealer(await deriveKey(key.password, { ...parameters, salt }));
  const file: KeyFile = {
    created: formatTime(BigInt(clock()) * 1_000_000n),
    username: key.username ?? identity.username,
    hostname: key.hostname ?? identity.hostname,
    kdf: "scrypt",
    N: parameters.N,
    r: parameters.r,
    p: parameters.p,
    salt,
    data: sealer.seal(encodeMasterKey(key.masterKey)),
  };
  const stored = encodeKeyFile(file);
  const id = idOf<KeyId>(stored);
  await storage.put(keyOf("key", id), stored, { sha256: id });
  return id;
}

export async function listKeyIds(storage: ObjectStorage, signal?: AbortSignal): Promise<KeyId[]> {
  const ids: KeyId[] = [];
  for await (const { id } of listFiles(storage, "key", signal)) ids.push(id as KeyId);
  return ids;
}

function inOrder(ids: readonly KeyId[], keyHint: string | undefined): KeyId[] {
  const hinted = keyHint ? ids.filter((id) => id.startsWith(keyHint)) : [];
  return [...hinted, ...ids.filter((id) => !hinted.includes(id))];
}

function wrongPassword(
  location: string,
  counts: { tried: number; unreadable: number; listed: number },
): RepositoryError {
  const { tried, unreadable, listed } = counts;
  const rest = listed - tried - unreadable;
  const notes = [
    ...(unreadable > 0 ? [`${unreadable} could not be read`] : []),
    ...(rest > 0 ? [`${rest} were not tried`] : []),
  ];
  const keys =
    listed === 0 ? "it has no keys" : `none of ${tried} keys opens${notes.map((note) => `, ${note}`).join("")}`;
  return new RepositoryError("wrong-password", `wrong password for the repository at ${location}: ${keys}`, {
    details: { tried, unreadable },
  });
}
