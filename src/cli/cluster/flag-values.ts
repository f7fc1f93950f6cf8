// Values of velero's flags: lists and maps with commas, true or false, Go durations. Given to commander as parsers; each
// throws a UsageError that shows how to write it.
import { parseDuration } from "../../platform/duration.ts";
import { UsageError } from "../usage-error.ts";

type StringMap = Readonly<Record<string, string>>;

/** "a,b"; a flag that is given again adds to the list. */
export function parseList(text: string, sofar: readonly string[] | undefined): string[] {
  const words = text.split(",").map((word) => word.trim());
  return [...(sofar ?? []), ...words.filter((word) => word !== "")];
}

/**
 * "key=value,other=value"; a part in double quotes may hold commas.
 * @param separator between key and value: "=" for labels, ":" for namespaces.
 */
export function mapParser(flag: string, separator: "=" | ":" = "="): (text: string, sofar?: StringMap) => StringMap {
  return (text, sofar) => {
    const entries = splitQuoted(text).map((part) => {
      const at = part.indexOf(separator);
      if (at > 0) return [part.slice(0, at).trim(), part.slice(at + 1).trim()] as const;
      throw new UsageError(`${flag} ${text}: write it like key${separator}value,other${separator}value`);
    });
    return { ...sofar, ...Object.fromEntries(entries) };
  };
}

/** For flags that say true, false or, by their absence, "as the server likes". */
export function choiceParser(flag: string): (text: string) => boolean {
  return (text) => {
    if (/^(1|t|true)$/i.test(text)) return true;
    if (/^(0|f|false)$/i.test(text)) return false;
    throw new UsageError(`${flag}=${text}: write ${flag}, ${flag}=true or ${flag}=false`);
  };
}

/** A Go duration, as text: the API keeps durations so. */
export function durationParser(flag: string): (text: string) => string {
  return (text) => {
    const ms = parseDuration(text);
    if (ms !== undefined && ms >= 0) return text;
    const days = /^(\d+)d$/.exec(text)?.[1];
    const advice = days === undefined ? "write it like 72h, 90m or 1h30m" : `in hours: ${Number(days) * 24}h`;
    throw new UsageError(`${flag} ${text}: ${advice}`);
  };
}

/** Milliseconds of a duration flag that was parsed. */
export function durationMs(text: string): number {
  return parseDuration(text) ?? 0;
}

export function countParser(flag: string): (text: string) => number {
  return (text) => {
    if (/^\d{1,6}$/.test(text)) return Number(text);
    throw new UsageError(`${flag} ${text}: give a whole number`);
  };
}

/** One word of several. */
export function wordParser<T extends string>(flag: string, words: readonly T[]): (text: string) => T {
  return (text) => {
    const found = words.find((word) => word.toLowerCase() === text.toLowerCase());
    if (found !== undefined) return found;
    throw new UsageError(`${flag} ${text}: choose ${words.slice(0, -1).join(", ")} or ${words.at(-1)}`);
  };
}

/**
 * velero's form of --ordered-resources: "pods=ns1/a,ns1/b;persistentvolumes=pv4".
 * @returns names, joined by commas, by kind.
 */
export function parseOrderedResources(text: string): StringMap {
  const entries = text.split(";").map((entry) => {
    const [kind = "", names = "", ...more] = entry.split("=").map((part) => part.trim());
    if (kind !== "" && names !== "" && more.length === 0) return [kind, names] as const;
    throw new UsageError(`--ordered-resources ${text}: write it like "pods=ns1/a,ns1/b;persistentvolumes=pv4"`);
  });
  return Object.fromEntries(entries);
}

/** Parts between commas; double quotes around a part keep its commas, two of them inside stand for one. */
function splitQuoted(text: string): string[] {
  const parts = [...text.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)];
  return parts.map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? "").filter((part) => part !== "");
}

/** An object for the API: a field that nobody asked for must be absent, not null. */
export function withoutUndefined<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const set = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(set) as { [K in keyof T]: Exclude<T[K], undefined> };
}
