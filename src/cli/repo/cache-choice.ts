// Whether and where copies of a repository's index, snapshots and trees are kept on this machine, and notes for later runs.
import { join } from "node:path";
import { parseLocation, type StorageOptions } from "../../../repo-format/index.ts";
import { formatCount, parseSize } from "../output/format-values.ts";
import { UsageError } from "../usage-error.ts";
import type { Choices } from "./repository-flags.ts";

type CacheOptions = NonNullable<StorageOptions["cache"]>;

/** Verbs that must see what is in the store: a good copy would hide a damaged original. */
const seeingVerbs: ReadonlySet<string> = new Set(["check", "migrate", "recover", "repair"]);

export interface CacheQuestion {
  readonly location: string;
  /** Such as "check" or "repair index". */
  readonly verb: string;
  /** Told when nothing can be kept, and what was removed. */
  readonly say: (message: string) => void;
  readonly clock: () => number;
}

/**
 * Undefined: nothing is kept, because of --no-cache, or because the repository is as near as a cache would be and none was
 * asked for by --cache-dir.
 * @throws UsageError for a size that is none.
 */
export function cacheChoice({ flags, environment }: Choices, question: CacheQuestion): CacheOptions | undefined {
  const { location, verb, say, clock } = question;
  const maxBytes = cacheSize(flags.cacheSize);
  if (!(flags.cache ?? true) || environment.noCache || seeingVerbs.has(verb.split(" ")[0] ?? "")) return undefined;
  if (flags.cacheDir === undefined && parseLocation(location).kind !== "s3") return undefined;
  const directory = chosenDirectory({ flags, environment });
  if (directory === undefined) {
    say("warning: nothing is cached: neither XDG_CACHE_HOME nor HOME says where (--cache-dir, or --no-cache)");
    return undefined;
  }
  const onWarning = (message: string): void => say(`warning: ${message}`);
  const onRemovedOld = (count: number): void =>
    say(`removed the cached copies of ${formatCount(count, "repository", "repositories")}`);
  return { directory, maxBytes, removeOld: flags.cleanupCache === true, onRemovedOld, onWarning, clock };
}

/** Where notes for later runs are kept, whatever the repository is: they are about files of this machine. */
export function notesDirectory({ flags, environment }: Choices): string | undefined {
  if (!(flags.cache ?? true) || environment.noCache) return undefined;
  const directory = chosenDirectory({ flags, environment });
  return directory === undefined ? undefined : join(directory, "notes");
}

function chosenDirectory({ flags, environment }: Choices): string | undefined {
  return flags.cacheDir ?? environment.cacheDirectory ?? usualDirectory(environment.all);
}

/** As other programs have it: https://specifications.freedesktop.org/basedir-spec/latest/. */
function usualDirectory(variables: Readonly<Record<string, string | undefined>>): string | undefined {
  const { XDG_CACHE_HOME: base, HOME: home } = variables;
  if (base !== undefined && base !== "") return join(base, "stowage");
  return home === undefined || home === "" ? undefined : join(home, ".cache", "stowage");
}

function cacheSize(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const bytes = parseSize(text);
  if (bytes !== undefined && bytes > 0) return bytes;
  throw new UsageError(`--cache-size ${text}: write a size like 500M`);
}
