// What a repository is opened with, and the defaults of what is left out.
import { randomBytes } from "node:crypto";
import type { CompressionMode } from "../compression/zstd.ts";
import { RepositoryError } from "../errors.ts";
import { defaultPackSizeBytes } from "../pack/pack-writer.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";

/** Who we are in locks and keys. */
export interface RepositoryIdentity {
  /** Unique to this machine or pod: restic takes a lock for stale when a process id is gone from an equal host name. */
  readonly hostname: string;
  readonly username: string;
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  /** Further keys for lock files, e.g. node and pod; restic ignores them. */
  readonly extra?: Readonly<Record<string, string>>;
}

/** What a repository is opened with. */
export interface RepositoryOptions {
  readonly storage: ObjectStorage;
  readonly password: string;
  /** Id of a key, or its first digits; that key is tried first. */
  readonly keyHint?: string | undefined;
  /** Default "auto". */
  readonly compression?: CompressionMode | undefined;
  /** Size at which a pack is finished: 4 to 128 MiB, default 16 MiB. */
  readonly packSizeBytes?: number | undefined;
  /** Opens everything that was sealed again before it is stored; default true. */
  readonly extraVerify?: boolean | undefined;
  readonly identity: RepositoryIdentity;
  /** Wall clock, ms since the epoch. */
  readonly clock?: (() => number) | undefined;
  readonly random?: ((size: number) => Buffer) | undefined;
  /** A lock is going to be taken at once: its first look at other locks happens while the key is derived. */
  readonly locksNext?: boolean | undefined;
  /** Cancels opening; not kept. */
  readonly signal?: AbortSignal | undefined;
  readonly cacheDirectory?: string | undefined;
  /** Called for what does not keep the repository from being opened, e.g. a key file that cannot be read. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

/** The options of an open repository, all filled in. The password is not kept. */
export interface RepositorySettings {
  readonly compression: CompressionMode;
  readonly packSizeBytes: number;
  readonly extraVerify: boolean;
  readonly identity: RepositoryIdentity;
  readonly clock: () => number;
  readonly random: (size: number) => Buffer;
}

const mebibyte: number = 1024 * 1024;
const minPackSizeBytes: number = 4 * mebibyte;
const maxPackSizeBytes: number = 128 * mebibyte;

/**
 * @param storedLevel of compression that rustic has put into the config: counts where the caller asks for none.
 * @throws RepositoryError "argument-invalid" for a pack size out of bounds.
 */
export function settleOptions(
  options: Omit<RepositoryOptions, "storage" | "password">,
  storedLevel?: number,
): RepositorySettings {
  const packSizeBytes = options.packSizeBytes ?? defaultPackSizeBytes;
  if (!(packSizeBytes >= minPackSizeBytes && packSizeBytes <= maxPackSizeBytes)) {
    throw new RepositoryError("argument-invalid", `a pack has 4 to 128 MiB; got ${packSizeBytes} bytes`);
  }
  return {
    compression: options.compression ?? modeOfLevel(storedLevel),
    packSizeBytes,
    extraVerify: options.extraVerify ?? true,
    identity: options.identity,
    clock: options.clock ?? Date.now,
    random: options.random ?? randomBytes,
  };
}

/** The mode nearest to a zstd level of rustic's config; 0 means no compression. */
function modeOfLevel(level: number | undefined): CompressionMode {
  if (level === undefined) return "auto";
  if (level === 0) return "off";
  if (level < 3) return "fastest";
  if (level < 6) return "auto";
  return level < 10 ? "better" : "max";
}
