import assert from "node:assert/strict";
import { test } from "node:test";
import { parseExactJson } from "../../../../src/platform/exact-json.ts";

const roundTrip = (text: string): string => JSON.stringify(parseExactJson(text));

test("integers beyond 2^53 come out as they went in, wherever they stand", () => {
  for (const text of [
    '{"at":1732212345678901234}',
    '{"at":-9007199254740993,"list":[9007199254740993,{"deep":18446744073709551615}]}',
    "[ 9007199254740993]".replace(" ", ""),
  ]) {
    assert.equal(roundTrip(text), text);
  }
});

test("such an integer can be copied and compared like any other value", () => {
  const parsed = parseExactJson('{"at":1732212345678901234}');
  assert.deepEqual(structuredClone(parsed), { at: 1732212345678901234n });
  assert.equal(JSON.stringify({ list: [structuredClone(parsed)] }), '{"list":[{"at":1732212345678901234}]}');
});

test("everything else is what JSON.parse gives, also beside a long integer and inside of strings", () => {
  const text = '{"a":1,"b":1.5,"c":"x:1234567890123456789","d":[true,null],"e":1.2345678901234567e+30}';
  assert.deepEqual(parseExactJson(text), JSON.parse(text));
  const parsed = parseExactJson('{"n":5,"big":9007199254740993}') as { n: number };
  assert.equal(parsed.n, 5);
});

test("the largest integers that a number can hold stay numbers", () => {
  assert.deepEqual(parseExactJson('{"n":9007199254740991}'), { n: Number.MAX_SAFE_INTEGER });
});

test("what is no JSON is refused", () => {
  assert.throws(() => parseExactJson('{"n":9007199254740993'), SyntaxError);
});
