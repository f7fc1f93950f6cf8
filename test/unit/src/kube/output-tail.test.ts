import assert from "node:assert/strict";
import { test } from "node:test";
import { OutputTail } from "../../../../src/kube/output-tail.ts";

test("a short output is kept as it is", () => {
  const tail = new OutputTail(8);
  assert.equal(tail.text(), "");
  for (const piece of ["ab", "", "cdefgh"]) tail.push(Buffer.from(piece));
  assert.equal(tail.text(), "abcdefgh");
});

test("of a long output the last bytes are kept, in whatever pieces it comes", () => {
  const whole = Array.from({ length: 1000 }, (_, index) => index % 10).join("");
  for (const size of [1, 3, 7, 8, 9, 400, 1000]) {
    const tail = new OutputTail(8);
    for (let start = 0; start < whole.length; start += size) tail.push(Buffer.from(whole.slice(start, start + size)));
    assert.equal(tail.text(), "[992 bytes before are left out] 23456789", `pieces of ${size}`);
  }
});

test("what is pushed may be overwritten afterwards", () => {
  const tail = new OutputTail(8);
  const piece = Buffer.from("kept");
  tail.push(piece);
  piece.fill("x");
  assert.equal(tail.text(), "kept");
});
