// JSON whose integers survive: beyond 2^53 JavaScript's numbers lose digits, and objects of other people's kinds hold such
// integers (nanoseconds, 64-bit ids). They are read as bigint, which can be copied and compared like any other value, and
// once this file is loaded JSON.stringify writes a bigint as what it is; without it, it would throw.

interface RawJsonSupport {
  rawJSON(text: string): unknown;
}

type SourceReviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

Object.defineProperty(BigInt.prototype, "toJSON", {
  configurable: true,
  value(this: bigint): unknown {
    return (JSON as unknown as RawJsonSupport).rawJSON(String(this));
  },
});

/** Plain parsing is several times faster, so it is the rule; inside of strings a false alarm costs only time. */
const longInteger = /[[:,]\s*-?\d{16}/;

/**
 * @returns what JSON.parse gives, but a bigint for each integer that a number cannot hold.
 * @throws SyntaxError
 */
export function parseExactJson(text: string): unknown {
  if (!longInteger.test(text)) return JSON.parse(text);
  const keepDigits: SourceReviver = (_key, value, { source = "" }) =>
    typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(source) ? BigInt(source) : value;
  return JSON.parse(text, keepDigits as (key: string, value: unknown) => unknown);
}
