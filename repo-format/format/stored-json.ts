// The small stored files (config, key, snapshot, lock) are plain JSON objects. Here is what they share: reading one with its
// fields checked, without loss of 64-bit numbers, and writing one as Go does.
import { type ErrorCode, RepositoryError } from "../errors.ts";
import { jsonString } from "./canonical-json.ts";
import { isTimeText, type TimeText } from "./time.ts";

/** Node has it since 21; the library types do not know it yet. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };
const parse = JSON.parse as (text: string, reviver: Reviver) => unknown;
type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

type Fields = Readonly<Record<string, unknown>>;

/** A JSON object whose fields are taken one by one; what nobody took stays in `unknown()`. */
export class StoredObject {
  readonly #fields: Fields;
  readonly #taken: Set<string> = new Set();
  readonly #code: ErrorCode;
  readonly #what: string;

  /** @throws RepositoryError `code` when the bytes are not a JSON object; `what` ("the lock file") begins its message. */
  constructor(bytes: Uint8Array, code: ErrorCode, what: string) {
    this.#code = code;
    this.#what = what;
    const value = this.#parse(bytes);
    if (!isFields(value)) throw this.error("it is not a JSON object");
    this.#fields = value;
  }

  error(reason: string): RepositoryError {
    return new RepositoryError(this.#code, `${this.#what} cannot be read: ${reason}`);
  }

  /** Absent, null and "" are the same, as in Go. */
  text(key: string): string {
    const value = this.#take(key) ?? "";
    if (typeof value !== "string") throw this.error(`"${key}" is not a text`);
    return value;
  }

  /** A whole number from 0 to `max`; 0 when absent. */
  uint(key: string, max: number): number {
    const value = this.#take(key) ?? 0;
    if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= max) return value;
    throw this.error(`"${key}" is not a whole number from 0 to ${max}`);
  }

  /** A number that may be absent. */
  number(key: string): number | undefined {
    const value = this.#take(key) ?? undefined;
    if (value !== undefined && typeof value !== "number") throw this.error(`"${key}" is not a number`);
    return value;
  }

  flag(key: string): boolean {
    const value = this.#take(key) ?? false;
    if (typeof value !== "boolean") throw this.error(`"${key}" is neither true nor false`);
    return value;
  }

  time(key: string): TimeText {
    const value = this.#take(key);
    if (typeof value !== "string" || !isTimeText(value)) throw this.error(`"${key}" is not a time`);
    return value;
  }

  /** Texts; empty when absent. */
  texts(key: string): string[] {
    const value = this.#take(key) ?? [];
    const isTexts = Array.isArray(value) && value.every((item) => typeof item === "string");
    if (!isTexts) throw this.error(`"${key}" is not a list of texts`);
    return value as string[];
  }

  /** The bytes of a base64 text. */
  base64(key: string): Buffer {
    const text = this.text(key);
    const bytes = Buffer.from(text, "base64");
    if (bytes.toString("base64") !== text) throw this.error(`"${key}" is not base64`);
    return bytes;
  }

  /** An object in a field, or undefined. */
  object(key: string): StoredObject | undefined {
    const value = this.#take(key) ?? undefined;
    if (value === undefined) return undefined;
    return new StoredObject(Buffer.from(JSON.stringify(value)), this.#code, `${this.#what}'s "${key}"`);
  }

  /** The fields that nobody took, to be written back with `jsonObject`. */
  unknown(): Record<string, unknown> {
    return Object.fromEntries(Object.entries(this.#fields).filter(([key]) => !this.#taken.has(key)));
  }

  #take(key: string): unknown {
    this.#taken.add(key);
    return Object.hasOwn(this.#fields, key) ? this.#fields[key] : undefined;
  }

  #parse(bytes: Uint8Array): unknown {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
    try {
      return parse(text, keepLargeNumbers);
    } catch {
      // The parser's own message quotes the text, which may be a key: it must not get into a log.
      throw this.error("it is not JSON");
    }
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function keepLargeNumbers(_key: string, value: unknown, context: { readonly source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value) || context.source === undefined) return value;
  return /^-?\d+$/.test(context.source) ? rawJSON(context.source) : value;
}

/** A JSON object in the given order, texts escaped as Go does; members that are undefined are left out. */
export function jsonObject(members: readonly (readonly [string, unknown])[]): string {
  const texts = members.filter(([, value]) => value !== undefined);
  return `{${texts.map(([key, value]) => `${jsonString(key)}:${jsonValue(value)}`).join(",")}}`;
}

function jsonValue(value: unknown): string {
  if (typeof value === "string") return jsonString(value);
  if (Array.isArray(value)) return `[${value.map(jsonValue).join(",")}]`;
  if (isFields(value) && Object.getPrototypeOf(value) === Object.prototype) return jsonObject(Object.entries(value));
  return JSON.stringify(value);
}

/** Undefined for the values that Go's `omitempty` leaves out. */
export function unlessEmpty<T extends string | number | boolean | readonly unknown[]>(value: T): T | undefined {
  const isEmpty = Array.isArray(value) ? value.length === 0 : value === "" || value === 0 || value === false;
  return isEmpty ? undefined : value;
}
