import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { createCompressor } from "../../../../repo-format/compression/zstd.ts";
import { generateMasterKey } from "../../../../repo-format/crypto/master-key.ts";
import { Sealer } from "../../../../repo-format/crypto/seal.ts";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import { PiecewiseCheck, pieceBytes } from "../../../../repo-format/workers/piecewise-check.ts";

const sealer = new Sealer(generateMasterKey(randomBytes));
const check = new PiecewiseCheck(sealer);
const compressor = createCompressor("auto");

function text(bytes: number): Buffer {
  const words = randomBytes(Math.ceil(bytes / 4)).toString("hex");
  return Buffer.from(words.repeat(2)).subarray(0, bytes);
}

/** With another byte at the place. */
function changed(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

for (const length of [pieceBytes + 1, 2 * pieceBytes, 3 * pieceBytes - 16, 3_000_001]) {
  test(`a blob of ${length} bytes opens to its plaintext and to no other`, () => {
    const plaintext = text(length);
    const compressed = compressor.compress(plaintext);
    assert.ok(compressed.length < length);
    for (const payload of [plaintext, compressed]) {
      const sealed = sealer.seal(payload);
      const isCompressed = payload !== plaintext;
      assert.equal(check.opensTo(sealed, plaintext, isCompressed), true);
      for (const at of [0, pieceBytes - 1, pieceBytes, length - 1])
        assert.equal(check.opensTo(sealed, changed(plaintext, at), isCompressed), false, `byte ${at}`);
      assert.equal(check.opensTo(sealed, plaintext.subarray(0, -1), isCompressed), false);
      assert.equal(check.opensTo(sealed, Buffer.concat([plaintext, Buffer.of(0)]), isCompressed), false);
      assert.equal(check.opensTo(sealed, plaintext, isCompressed), true);
    }
  });
}

test("what is no frame, or half of one, does not open to anything", () => {
  const plaintext = text(1_000_000);
  const frame = compressor.compress(plaintext);
  for (const payload of [plaintext, frame.subarray(0, frame.length / 2), Buffer.alloc(0)])
    assert.equal(check.opensTo(sealer.seal(payload), plaintext, true), false);
});

test("sealed bytes that changed are refused before they are looked at", () => {
  const plaintext = text(1_000_000);
  const sealed = changed(sealer.seal(plaintext), 500_000);
  assert.throws(
    () => check.opensTo(sealed, plaintext, false),
    (error) => RepositoryError.is(error, "authentication-failed"),
  );
});
