// Values of flags: numbers, and lists of a flag that is given several times.
import type { CliEnvironment } from "../cli-config.ts";
import { UsageError } from "../usage-error.ts";

/** Parses a flag that counts something; undefined stays undefined. @throws UsageError naming the flag */
export function positiveInteger(text: string | undefined, flag: string): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value > 0) return value;
  throw new UsageError(`${flag} ${text}: give a whole number above 0`);
}

/** Worker threads, at most; undefined: as many as there are cores. @throws UsageError */
export function threadCount({ threads }: Pick<CliEnvironment, "threads">): number | undefined {
  return positiveInteger(threads, "STOWAGE_THREADS");
}

/** commander's way to gather the values of a repeated flag. */
export function collect(value: string, list: readonly string[] | undefined): string[] {
  return [...(list ?? []), value];
}
