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
  readonly signal?: AbortSignal | undefined;
  readonly onWarning?: ((message: string) => void) | undefined;
}

/**
 * Tries the hinted key, then the others as listed, at most 20.
 * @throws RepositoryError "wrong-password" when keys could be read and none opens (or there is none at all);
 *   "key-malformed", "file-damaged" … when no key could be read
 */
export async function searchKey(search: KeySearch): Promise<OpenedKey> {
  const { storage, password, signal, onWarning } = search;
  const unreadable: unknown[] = [];
  const ids = await keyIdsInOrder(search);
  let tried = 0;
  for (const keyId of ids.slice(0, maxTriedKeys)) {
    try {
      return {
        keyId,
        masterKey: await openKey(await readVerified(storage, { kind: "key", id: keyId }, signal), password),
      };
    } catch (error) {
      if (RepositoryError.is(error, "wrong-password")) tried++;
      else if (RepositoryError.is(error, "key-malformed") || RepositoryError.is(error, "file-damaged")) {
        unreadable.push(error);
        onWarning?.(`the key ${shortId(keyId)} cannot be read: ${error.message}`);
      } else if (!RepositoryError.is(error, "object-missing")) throw error;
    }
  }
  if (tried === 0 && unreadable.length > 0) throw unreadable[0];
  throw wrongPassword(storage.location, { tried, unreadable: unreadable.length, listed: ids.length });
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

async function keyIdsInOrder({ storage, keyHint, signal }: KeySearch): Promise<KeyId[]> {
  const ids: KeyId[] = [];
  for await (const { id } of listFiles(storage, "key", signal)) ids.push(id as KeyId);
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
