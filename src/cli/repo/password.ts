// Where a password comes from: file, command, environment, a prompt without echo, or standard input. It is never printed
// and never part of an argument list.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { UsageError } from "../usage-error.ts";
import { askSecret, readLine } from "./secret-prompt.ts";

export interface PasswordSources {
  readonly file: string | undefined;
  readonly command: string | undefined;
  readonly value: string | undefined;
  /** --insecure-no-password: the empty password is meant. */
  readonly allowEmpty: boolean;
}

export interface PasswordPrompt {
  readonly question: string;
  /** Asked twice for a new password; both answers must agree. */
  readonly confirm: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** True when a person is asked: then a mistyped password may be corrected. */
export function isAsked({ file, command, value, allowEmpty }: PasswordSources): boolean {
  return (file ?? command ?? value) === undefined && !allowEmpty && process.stdin.isTTY === true;
}

/**
 * Finds the password.
 * @throws UsageError when the sources contradict each other, the file cannot be read, or there is no password;
 *   RepositoryError "cancelled" for Ctrl-C at the prompt
 */
export async function readPassword(sources: PasswordSources, prompt: PasswordPrompt): Promise<string> {
  const given = [sources.file, sources.command].filter((source) => source !== undefined).length;
  if (given > 1) throw new UsageError("--password-file and --password-command exclude each other");
  if (sources.allowEmpty) {
    if (given > 0 || sources.value !== undefined)
      throw new UsageError("--insecure-no-password excludes a given password");
    return "";
  }
  const password = await firstSource(sources, prompt);
  if (password === "")
    throw new UsageError(
      "there is no password: set RESTIC_PASSWORD_FILE, RESTIC_PASSWORD or --password-file (if an empty one is meant, say --insecure-no-password)",
    );
  return password;
}

async function firstSource(sources: PasswordSources, prompt: PasswordPrompt): Promise<string> {
  if (sources.file !== undefined) return fromFile(sources.file);
  if (sources.command !== undefined) return fromCommand(sources.command);
  if (sources.value !== undefined) return sources.value;
  if (process.stdin.isTTY !== true) return readLine(process.stdin, prompt.signal);
  const first = await askSecret(prompt.question, prompt.signal);
  if (prompt.confirm && (await askSecret("enter the password again: ", prompt.signal)) !== first)
    throw new UsageError("the passwords do not agree");
  return first;
}

async function fromFile(file: string): Promise<string> {
  try {
    return decode(await readFile(file));
  } catch (cause) {
    throw new UsageError(`cannot read the password file ${file}: ${(cause as Error).message}`);
  }
}

/** Splits a command line into words as a shell does, without expansions: quotes and backslashes group. */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  for (const [, double, single, plain] of line.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|((?:[^\s"'\\]|\\.)+)/g)) {
    words.push((double ?? plain)?.replace(/\\(.)/g, "$1") ?? single ?? "");
  }
  return words;
}

async function fromCommand(line: string): Promise<string> {
  const [program, ...words] = splitWords(line);
  if (program === undefined) throw new UsageError("--password-command is empty");
  try {
    const { stdout } = await promisify(execFile)(program, words, { encoding: "buffer" });
    return decode(stdout);
  } catch (cause) {
    // The command's own output may hold secrets, so only its exit is told.
    const { code } = cause as { code?: number | string };
    throw new UsageError(`the password command "${program}" failed (${code ?? "unknown"})`);
  }
}

/** Undoes a UTF-8 or UTF-16 byte-order mark and trims white space, as restic does. */
function decode(bytes: Buffer): string {
  return decodeText(bytes).trim();
}

/** Text of a file that may begin with a UTF-8 or UTF-16 byte-order mark. */
export function decodeText(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.subarray(2).toString("utf16le");
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return Buffer.from(bytes.subarray(2)).swap16().toString("utf16le");
  return bytes.toString("utf8").replace(/^\uFEFF/, "");
}
