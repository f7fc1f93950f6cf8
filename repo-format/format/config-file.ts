// The config file says which version of the format a repository has (restic design, *Repository Layout*). Nothing of ours
// goes in: restic drops fields that it does not know when it writes the file again.
import { RepositoryError } from "../errors.ts";
import { isId } from "./id.ts";
import { jsonObject, StoredObject } from "./stored-json.ts";

export interface RepositoryConfig {
  readonly version: 1 | 2;
  /** 64 hex digits of 32 random bytes. */
  readonly id: string;
  /** Hex without a prefix: restic's chunker cuts with it; irreducible, of degree 53. */
  readonly chunkerPolynomial: string;
  /** rustic: nothing may be deleted. */
  readonly appendOnly?: boolean;
  /** rustic: this is the hot half of a repository, without data packs. */
  readonly isHot?: boolean;
  /** rustic: the zstd level to write with; 0 switches compression off. */
  readonly compressionLevel?: number;
  /** Further fields of other programs, written back as they were. */
  readonly unknown?: Record<string, unknown>;
}

export function encodeConfig(config: RepositoryConfig): Buffer {
  const text = jsonObject([
    ["version", config.version],
    ["id", config.id],
    ["chunker_polynomial", config.chunkerPolynomial],
    ["is_hot", config.isHot],
    ["append_only", config.appendOnly],
    ["compression", config.compressionLevel],
    ...Object.entries(config.unknown ?? {}),
  ]);
  return Buffer.from(text, "utf8");
}

/**
 * @throws RepositoryError "config-malformed" when a field is missing or has the wrong type, "repository-unsupported" for a
 * version that is neither 1 nor 2. Whether the polynomial is irreducible is not looked at here.
 */
export function decodeConfig(bytes: Uint8Array): RepositoryConfig {
  const stored = new StoredObject(bytes, "config-malformed", "the config file");
  const version = stored.uint("version", Number.MAX_SAFE_INTEGER);
  if (version !== 1 && version !== 2) {
    throw new RepositoryError("repository-unsupported", `the repository has version ${version}; known are 1 and 2`, {
      details: { version },
    });
  }
  const id = stored.text("id");
  if (!isId(id)) throw stored.error('"id" does not have 64 hex digits');
  const chunkerPolynomial = stored.text("chunker_polynomial");
  if (!/^[0-9a-f]{1,16}$/.test(chunkerPolynomial)) throw stored.error('"chunker_polynomial" is not hex');
  const isHot = stored.flag("is_hot");
  const appendOnly = stored.flag("append_only");
  const level = stored.number("compression");
  const unknown = stored.unknown();
  return {
    version,
    id,
    chunkerPolynomial,
    ...(isHot ? { isHot } : {}),
    ...(appendOnly ? { appendOnly } : {}),
    ...(level === undefined ? {} : { compressionLevel: level }),
    ...(Object.keys(unknown).length === 0 ? {} : { unknown }),
  };
}
