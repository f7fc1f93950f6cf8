// A key file holds the repository's master key, sealed with a key that scrypt derives from a password (restic design,
// *Keys, Encryption and MAC*). It is read before anything is authenticated, so its numbers are bounded here.
import { jsonObject, StoredObject } from "./stored-json.ts";
import type { TimeText } from "./time.ts";

/** Parameters of scrypt (RFC 7914 §2): cost (a power of two), block size, parallelization. */
export interface ScryptParameters {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

export interface KeyFile extends ScryptParameters {
  readonly created: TimeText;
  readonly username: string;
  readonly hostname: string;
  readonly kdf: "scrypt";
  /** 64 random bytes. */
  readonly salt: Buffer;
  /** The sealed JSON of the master key. */
  readonly data: Buffer;
}

/** The keys that seal everything in a repository; every password unlocks the same ones. */
export interface MasterKey {
  /** AES-256 key, 32 bytes. */
  readonly encrypt: Buffer;
  /** Poly1305-AES: k, the AES-128 key of the nonce, 16 bytes. */
  readonly macK: Buffer;
  /** Poly1305-AES: r, 16 bytes, not necessarily clamped. */
  readonly macR: Buffer;
}

export const saltBytes = 64;
/**
 * Whoever may write to the store may plant keys, and each is tried before anything is authenticated: so much memory may one
 * ask for (restic takes 60 MiB at most), and so much time, N·r·p (2^22 is what half a second on a fast machine gives).
 */
const maxScryptMemoryBytes: number = 256 * 1024 * 1024;
const maxScryptWork: number = 2 ** 24;
const maxParallelization = 64;
const minDataBytes = 33;
const maxDataBytes = 4096;

export function encodeKeyFile(key: KeyFile): Buffer {
  const text = jsonObject([
    ["created", key.created],
    ["username", key.username],
    ["hostname", key.hostname],
    ["kdf", key.kdf],
    ["N", key.N],
    ["r", key.r],
    ["p", key.p],
    ["salt", key.salt.toString("base64")],
    ["data", key.data.toString("base64")],
  ]);
  return Buffer.from(text, "utf8");
}

/** @throws RepositoryError "key-malformed" for a missing field, or parameters that are impossible or would exhaust the host. */
export function decodeKeyFile(bytes: Uint8Array): KeyFile {
  const stored = new StoredObject(bytes, "key-malformed", "the key file");
  const kdf = stored.text("kdf");
  if (kdf !== "scrypt") throw stored.error(`"kdf" is ${JSON.stringify(kdf.slice(0, 40))}, only scrypt is known`);
  const parameters = {
    N: stored.uint("N", 0xffff_ffff),
    r: stored.uint("r", 0xffff_ffff),
    p: stored.uint("p", 0xffff_ffff),
  };
  const problem = problemOfScrypt(parameters);
  if (problem !== undefined) throw stored.error(problem);
  const salt = stored.base64("salt");
  if (salt.length !== saltBytes) throw stored.error(`the salt has ${salt.length} bytes instead of ${saltBytes}`);
  const data = stored.base64("data");
  if (data.length < minDataBytes || data.length > maxDataBytes) throw stored.error(`"data" has ${data.length} bytes`);
  return {
    created: stored.time("created"),
    username: stored.text("username"),
    hostname: stored.text("hostname"),
    kdf,
    ...parameters,
    salt,
    data,
  };
}

/** Why scrypt must not run with these parameters; undefined when it may. */
export function problemOfScrypt({ N, r, p }: ScryptParameters): string | undefined {
  // N below 2^32, so that the test for a power of two stays exact.
  if (N < 2 || N > 0x8000_0000 || !Number.isInteger(Math.log2(N)))
    return `scrypt's N is ${N}, not a power of two above 1`;
  if (r < 1 || 128 * N * r > maxScryptMemoryBytes) return `scrypt's N=${N}, r=${r} needs more than 256 MiB of memory`;
  if (p < 1 || p > maxParallelization) return `scrypt's p is ${p}, not 1 to ${maxParallelization}`;
  if (N * r * p > maxScryptWork) return `scrypt's N=${N}, r=${r}, p=${p} would take minutes`;
  return undefined;
}

/** The JSON that a key file's `data` seals. */
export function encodeMasterKey(key: MasterKey): Buffer {
  const mac = { k: key.macK.toString("base64"), r: key.macR.toString("base64") };
  const text = jsonObject([
    ["mac", mac],
    ["encrypt", key.encrypt.toString("base64")],
  ]);
  return Buffer.from(text, "utf8");
}

/** @throws RepositoryError "key-malformed" when a part is missing, has the wrong size, or is all zero. */
export function decodeMasterKey(bytes: Uint8Array): MasterKey {
  const stored = new StoredObject(bytes, "key-malformed", "the master key");
  const mac = stored.object("mac");
  if (mac === undefined) throw stored.error('"mac" is missing');
  return {
    encrypt: readKey(stored, "encrypt", 32),
    macK: readKey(mac, "k", 16),
    macR: readKey(mac, "r", 16),
  };
}

function readKey(stored: StoredObject, name: string, length: number): Buffer {
  const key = stored.base64(name);
  if (key.length !== length) throw stored.error(`"${name}" has ${key.length} bytes instead of ${length}`);
  if (key.every((byte) => byte === 0)) throw stored.error(`"${name}" is all zero`);
  return key;
}
