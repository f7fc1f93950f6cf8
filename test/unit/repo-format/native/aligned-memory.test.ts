import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  alignmentBytes,
  allocateAligned,
  isAligned,
  isDirectRefusal,
  ownsMemory,
} from "../../../../repo-format/native/aligned-memory.ts";
import { libc } from "../../../../repo-format/native/libc.ts";

describe("aligned memory", () => {
  it("begins at a multiple of the alignment and is as long as asked for", () => {
    for (const bytes of [1, 4095, 4096, 65_536, 1_048_576, 3_000_001]) {
      const memory = allocateAligned(bytes);
      assert.equal(memory.length, bytes);
      assert.equal((libc?.addressOf(memory) ?? 1n) % BigInt(alignmentBytes), 0n);
      assert.ok(isAligned(memory));
      assert.ok(!isAligned(memory.subarray(1)) || bytes === 1);
    }
  });

  it("is not what Node allocates by itself", () => {
    // One of them may happen to begin at a page.
    const plain = Array.from({ length: 8 }, () => Buffer.allocUnsafeSlow(1_048_576));
    assert.ok(plain.some((memory) => !isAligned(memory)));
    assert.ok(!isAligned(Buffer.alloc(0)));
  });
});

describe("ownsMemory", () => {
  it("takes whole buffers and aligned memory for their own", () => {
    assert.ok(ownsMemory(Buffer.allocUnsafeSlow(10)));
    assert.ok(ownsMemory(allocateAligned(1_048_576)));
    // As a range is read: from the middle of the first block to the middle of the last.
    assert.ok(ownsMemory(allocateAligned(1_048_576).subarray(4095, 1_048_576 - 4095)));
  });

  it("leaves parts, the pool, shared memory and what is gone alone", () => {
    assert.ok(!ownsMemory(Buffer.allocUnsafeSlow(1_048_576).subarray(0, 1_000_000)));
    assert.ok(!ownsMemory(Buffer.from("from the pool")));
    assert.ok(!ownsMemory(Buffer.allocUnsafeSlow(8192).subarray(0, 8191)));
    assert.ok(!ownsMemory(new Uint8Array(new SharedArrayBuffer(100_000))));
    const gone = Buffer.allocUnsafeSlow(100_000);
    gone.buffer.transfer(0);
    assert.ok(!ownsMemory(gone));
  });
});

it("only what tells of direct access itself is a refusal", () => {
  assert.ok(isDirectRefusal({ code: "EINVAL" }));
  assert.ok(!isDirectRefusal({ code: "ENOSPC" }));
});
