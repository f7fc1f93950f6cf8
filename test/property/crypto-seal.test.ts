// Sealing, held against node:crypto's own counter mode and against the portable provider, on random input.
import assert from "node:assert/strict";
import { createCipheriv, randomBytes } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { generateMasterKey } from "../../repo-format/crypto/master-key.ts";
import { loadNativeProvider } from "../../repo-format/crypto/native.ts";
import { loadOpenSslProvider } from "../../repo-format/crypto/openssl.ts";
import { portableProvider } from "../../repo-format/crypto/portable.ts";
import { Sealer } from "../../repo-format/crypto/seal.ts";
import { RepositoryError } from "../../repo-format/errors.ts";

const key = generateMasterKey(randomBytes);
const native = loadNativeProvider().bind(key);
const openSsl = loadOpenSslProvider().bind(key);
const portable = portableProvider.bind(key);

/** Small, and around the switch to another way of computing; contents from fast-check only for the small ones. */
const input = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.integer({ min: 16_300, max: 16_500 }).map((length) => new Uint8Array(randomBytes(length))),
);

/** Nonces whose counter overflows 32, 64, 96 or 128 bits within the input. */
const nonce = fc
  .tuple(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.constantFrom(0, 4, 8, 12, 16), fc.nat(40))
  .map(([random, ones, distance]) => {
    const bytes = Buffer.from(random);
    if (ones > 0) {
      bytes.fill(0xff, 16 - ones);
      bytes[15] = 0xff - distance;
    }
    return bytes;
  });

test("all providers and node:crypto encrypt alike, through every overflow of the counter", () => {
  fc.assert(
    fc.property(input, nonce, (plain, iv) => {
      const expected = createCipheriv("aes-256-ctr", key.encrypt, iv).update(plain);
      for (const provider of [openSsl, native, portable]) {
        const output = Buffer.alloc(plain.length);
        provider.crypt(plain, iv, output, 0);
        assert.ok(output.equals(expected));
      }
    }),
    { numRuns: 150 },
  );
});

test("all providers compute the same MAC", () => {
  fc.assert(
    fc.property(input, nonce, (bytes, iv) => {
      const expected = Buffer.from(portable.mac(bytes, iv));
      for (const provider of [openSsl, native]) assert.deepEqual(Buffer.from(provider.mac(bytes, iv)), expected);
    }),
    { numRuns: 150 },
  );
});

test("a text may be encrypted in place", () => {
  fc.assert(
    fc.property(input, nonce, (plain, iv) => {
      const memory = Buffer.from(plain);
      for (const provider of [openSsl, native]) {
        provider.crypt(memory, iv, memory, 0);
        provider.crypt(memory, iv, memory, 0);
        assert.ok(memory.equals(plain));
      }
    }),
    { numRuns: 50 },
  );
});

test("each provider opens what another sealed, and none opens it changed", () => {
  const sealers = [loadOpenSslProvider(), loadNativeProvider(), portableProvider].map((each) => new Sealer(key, each));
  const pair = fc.tuple(fc.constantFrom(...sealers), fc.constantFrom(...sealers));
  fc.assert(
    fc.property(input, pair, fc.nat(), fc.integer({ min: 1, max: 255 }), (plain, [sealer, opener], at, flip) => {
      const sealed = sealer.seal(plain);
      assert.ok(opener.open(sealed).equals(plain));
      sealed[at % sealed.length] = (sealed[at % sealed.length] as number) ^ flip;
      assert.throws(
        () => opener.open(sealed),
        (error) => RepositoryError.is(error, "authentication-failed"),
      );
    }),
    { numRuns: 100 },
  );
});

test("blobs sealed one behind the other share no key stream and open in any order", () => {
  const lengths = fc.array(fc.oneof(fc.nat(100), fc.integer({ min: 16_000, max: 17_000 })), {
    minLength: 1,
    maxLength: 12,
  });
  fc.assert(
    fc.property(lengths, fc.array(fc.nat(), { maxLength: 40 }), (blobs, order) => {
      const sealer = new Sealer(key, loadNativeProvider());
      const plains = blobs.map((length) => randomBytes(length));
      const sealed = plains.map((plain) => sealer.seal(plain));
      const streams = sealed.map((blob) => {
        const start = BigInt(`0x${blob.toString("hex", 0, 16)}`);
        return { start, end: start + BigInt(Math.max(1, Math.ceil((blob.length - Sealer.overhead) / 16))) };
      });
      streams.sort((a, b) => (a.start < b.start ? -1 : 1));
      for (const [at, { start }] of streams.entries()) assert.ok(at === 0 || start >= (streams[at - 1]?.end ?? 0n));
      for (const number of [...order, ...blobs.keys()]) {
        const at = number % blobs.length;
        assert.ok(sealer.open(sealed[at] as Buffer).equals(plains[at] as Buffer));
      }
    }),
    { numRuns: 60 },
  );
});
