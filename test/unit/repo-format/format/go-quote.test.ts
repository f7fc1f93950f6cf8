import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonString } from "../../../../repo-format/format/canonical-json.ts";
import { quoteName, quoteNameText, unquoteName } from "../../../../repo-format/format/go-quote.ts";

const text = (value: string): Buffer => Buffer.from(value, "utf8");
const raw = (value: string): Buffer => Buffer.from(value, "latin1");

/** Raw name → the text between the JSON quotes in a tree that restic wrote. */
const golden: readonly (readonly [Buffer, string])[] = [
  [text('quo"te'), String.raw`quo\\\"te`],
  [text("back\\slash"), String.raw`back\\\\slash`],
  [text("\t\n"), String.raw`\\t\\n`],
  [raw("\x07\x08\x0c\x0d\x0b"), String.raw`\\a\\b\\f\\r\\v`],
  [raw("\x1b\x7f\x00\x01"), String.raw`\\x1b\\x7f\\x00\\x01`],
  [raw("bad\xff\xfez"), String.raw`bad\\xff\\xfez`],
  [raw("\xed\xa0\x80"), String.raw`\\xed\\xa0\\x80`],
  [raw("\xe2\x82"), String.raw`\\xe2\\x82`],
  [raw("\xc0\x80"), String.raw`\\xc0\\x80`],
  [raw("\xf4\x90\x80\x80"), String.raw`\\xf4\\x90\\x80\\x80`],
  [raw("\xe2\x82A\xf0\x9f\x98"), String.raw`\\xe2\\x82A\\xf0\\x9f\\x98`],
  [text("\u00a0\u00ad"), String.raw`\\u00a0\\u00ad`],
  [text("\u200d\u2028\ufeff"), String.raw`\\u200d\\u2028\\ufeff`],
  [text("\ue000"), String.raw`\\ue000`],
  [text("\u0378"), String.raw`\\u0378`],
  [text("\u{2ebf0}\u{1cc00}"), String.raw`\\U0002ebf0\\U0001cc00`],
  [text("\u{10ffff}"), String.raw`\\U0010ffff`],
  [text("😀中\ufffdé"), "😀中\ufffdé"],
  [text("lt<gt>&amp"), String.raw`lt\u003cgt\u003e\u0026amp`],
  [text(" plain name.txt~"), " plain name.txt~"],
  [text("'"), "'"],
];

test("names are quoted as restic quotes them", () => {
  for (const [name, expected] of golden) {
    assert.equal(jsonString(quoteNameText(name)), `"${expected}"`);
    assert.deepEqual(quoteName(name), text(quoteNameText(name)));
  }
});

test("unquoteName gives the raw bytes back", () => {
  for (const [name] of golden) assert.deepEqual(unquoteName(quoteName(name)), name);
});

test("every single byte and every pair of bytes survives quoting", () => {
  for (let first = 0; first < 256; first++) {
    for (let second = -1; second < 256; second++) {
      const name = second === -1 ? Buffer.of(first) : Buffer.of(first, second);
      const quoted = quoteName(name);
      if (!(unquoteName(quoted) as Buffer).equals(name)) assert.fail(name.toString("hex"));
    }
  }
});

test("unquoteName accepts every escape of Go", () => {
  assert.deepEqual(unquoteName(text(String.raw`\101\x41\u0041\U00000041`)), text("AAAA"));
  assert.deepEqual(unquoteName(text(String.raw`\377\xFF`)), raw("\xff\xff"));
  assert.deepEqual(unquoteName(text(String.raw`\u00e9\U0001F600`)), text("é😀"));
  assert.deepEqual(unquoteName(text("é<'")), text("é<'"));
  assert.deepEqual(unquoteName(Buffer.alloc(0)), Buffer.alloc(0));
});

test("unquoteName refuses what Go refuses", () => {
  const bad = [
    '"',
    "\n",
    "\\",
    "\\'",
    "\\q",
    "\\x",
    "\\x4",
    "\\xg0",
    "\\u004",
    "\\u00 1",
    "\\u+041",
    "\\ud800",
    "\\udfff",
    "\\U00110000",
    "\\U0000d800",
    "\\400",
    "\\18",
    "\\08a",
    "a\\",
  ];
  for (const quoted of bad) assert.equal(unquoteName(text(quoted)), undefined, quoted);
});
