// Flags of the long-running roles, in Go's manner: --name value, --name=value, switches with an optional =true. A flag
// that a role does not know is only warned about, so that an image that takes another's place never breaks a pod.

import { ConfigError } from "./config-error.ts";
import { parseDuration } from "./duration.ts";
import type { LogLevel } from "./logger.ts";

export interface RoleFlags<V extends string, S extends string> {
  readonly values: Partial<Record<V, string>>;
  readonly switches: Partial<Record<S, boolean>>;
  /** What was ignored, as sentences. */
  readonly warnings: readonly string[];
}

export interface KnownFlags<V extends string, S extends string> {
  /** Flags with a value. */
  readonly values: readonly V[];
  readonly switches: readonly S[];
  /** Other names of the same flags. */
  readonly aliases?: Readonly<Record<string, V | S>>;
}

/** @throws ConfigError "flag-unknown" for a word that is no flag, "flag-invalid" for a missing or malformed value. */
export function parseRoleFlags<const V extends string, const S extends string>(
  argv: readonly string[],
  known: KnownFlags<V, S>,
): RoleFlags<V, S> {
  const values: Partial<Record<V, string>> = {};
  const switches: Partial<Record<S, boolean>> = {};
  const warnings: string[] = [];
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] as string;
    if (!word.startsWith("-")) throw new ConfigError("flag-unknown", `unexpected argument ${JSON.stringify(word)}`);
    const { name, value } = splitFlag(word, known.aliases ?? {});
    if (isOneOf(name, known.switches)) {
      switches[name] = value === undefined || oneOf(name, value, ["true", "false"]) === "true";
      continue;
    }
    const next = argv[index + 1];
    const following = next === undefined || next.startsWith("-") ? undefined : next;
    if (value === undefined && following !== undefined) index++;
    if (isOneOf(name, known.values)) values[name] = required(name, value ?? following);
    // Velero's installer writes "--features=" for none.
    else if (value !== "") warnings.push(`the flag --${name} is not known here and was ignored`);
  }
  return { values, switches, warnings };
}

function splitFlag(
  word: string,
  aliases: Readonly<Record<string, string>>,
): { name: string; value: string | undefined } {
  const [, dashedName = "", value] = /^--?([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
  return { name: aliases[dashedName] ?? dashedName, value };
}

function isOneOf<const T extends string>(name: string, names: readonly T[]): name is T {
  return (names as readonly string[]).includes(name);
}

function required(flag: string, value: string | undefined): string {
  if (value !== undefined) return value;
  throw new ConfigError("flag-invalid", `--${flag} needs a value`);
}

/** Milliseconds of a duration flag. @throws ConfigError "flag-invalid" */
export function durationFlag(flag: string, text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= 0) return ms;
  throw new ConfigError("flag-invalid", `--${flag} must be a duration such as 10m, not ${JSON.stringify(text)}`);
}

/** Bytes of a text such as 500M or 2Gi; units are binary. Undefined when it is none, or 0. */
export function parseSize(text: string): number | undefined {
  const [, digits = "", unit = ""] = /^(\d{1,9})([KMGT]?)i?$/i.exec(text) ?? [];
  const bytes = Number(digits) * 1024 ** (unit === "" ? 0 : "KMGT".indexOf(unit.toUpperCase()) + 1);
  return bytes > 0 ? bytes : undefined;
}

/** Bytes of a size flag such as 500M or 2Gi; units are binary. @throws ConfigError "flag-invalid" */
export function sizeFlag(flag: string, text: string): number {
  const bytes = parseSize(text);
  if (bytes !== undefined) return bytes;
  throw new ConfigError("flag-invalid", `--${flag} must be a size such as 500M or 2G, not ${JSON.stringify(text)}`);
}

/** A whole number from 0 on. @throws ConfigError "flag-invalid" */
export function countFlag(flag: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new ConfigError("flag-invalid", `--${flag} must be a whole number, not ${JSON.stringify(text)}`);
}

/** The log level, also under Velero's names. @throws ConfigError "flag-invalid" */
export function logLevelFlag(text: string): LogLevel {
  const levels: Record<string, LogLevel> = { trace: "debug", warning: "warn", fatal: "error", panic: "error" };
  return levels[text] ?? oneOf("log-level", text, ["debug", "info", "warn", "error"]);
}

/** One of the allowed words. @throws ConfigError "flag-invalid" */
export function oneOf<const T extends string>(flag: string, text: string, allowed: readonly T[]): T {
  const found = allowed.find((candidate) => candidate === text);
  if (found !== undefined) return found;
  throw new ConfigError("flag-invalid", `--${flag} must be ${allowed.join(" or ")}, not ${JSON.stringify(text)}`);
}

/** An empty text counts as absent. */
export function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
