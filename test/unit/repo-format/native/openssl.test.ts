import assert from "node:assert/strict";
import { createCipheriv, createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { libc } from "../../../../repo-format/native/libc.ts";
import { freeOpenSslContexts, OpenSsl, openSsl } from "../../../../repo-format/native/openssl.ts";

assert.ok(libc !== undefined && openSsl !== undefined);
const library = openSsl;
const someLibc = libc;

test("SHA-256 is that of node:crypto, for inputs of every kind of length", () => {
  for (const length of [0, 1, 55, 56, 64, 4096, 100_001]) {
    const bytes = randomBytes(length + 1).subarray(1);
    const target = Buffer.alloc(40, 0xee);
    library.sha256(bytes, target);
    assert.deepEqual(target.subarray(0, 32), createHash("sha256").update(bytes).digest());
    assert.deepEqual(target.subarray(32), Buffer.alloc(8, 0xee), "nothing is written behind the hash");
  }
});

test("a cipher that is started anew encrypts as a new one does, wherever the one before ended", () => {
  const key = randomBytes(32);
  const cipher = library.createCipher("AES-256-CTR", key);
  for (const length of [1, 15, 16, 17, 5000]) {
    const iv = randomBytes(16);
    const input = randomBytes(length);
    const target = Buffer.alloc(length);
    cipher.start(iv);
    cipher.update(input, target);
    assert.deepEqual(target, createCipheriv("aes-256-ctr", key, iv).update(input));
  }
});

test("no memory outside of what was given is touched: wrong lengths are refused", () => {
  const cipher = library.createCipher("AES-256-CTR", Buffer.alloc(32));
  const poly1305 = library.createPoly1305();
  assert.throws(() => library.sha256(Buffer.alloc(3), Buffer.alloc(31)), RangeError);
  assert.throws(() => cipher.start(Buffer.alloc(15)), RangeError);
  assert.throws(() => cipher.update(Buffer.alloc(17), Buffer.alloc(16)), RangeError);
  assert.throws(() => library.createCipher("AES-256-CTR", Buffer.alloc(31)), RangeError);
  assert.throws(() => poly1305.authenticate(Buffer.alloc(1), Buffer.alloc(31), Buffer.alloc(16)), RangeError);
  assert.throws(() => poly1305.authenticate(Buffer.alloc(1), Buffer.alloc(32), Buffer.alloc(15)), RangeError);
});

test("memory that was transferred away is not read", () => {
  const memory = Buffer.from(new ArrayBuffer(64));
  const cipher = library.createCipher("AES-256-CTR", Buffer.alloc(32));
  memory.buffer.transfer(0);
  cipher.start(Buffer.alloc(16));
  assert.throws(() => cipher.update(Buffer.alloc(64), memory), RangeError);
});

test("what was freed at the end of a thread is not used again", () => {
  const cipher = library.createCipher("AES-128-ECB", Buffer.alloc(16));
  const poly1305 = library.createPoly1305();
  freeOpenSslContexts();
  freeOpenSslContexts();
  assert.throws(() => cipher.update(Buffer.alloc(16), Buffer.alloc(16)), /this thread has ended/);
  assert.throws(() => poly1305.authenticate(Buffer.alloc(1), Buffer.alloc(32), Buffer.alloc(16)), /thread has ended/);
});

test("an OpenSSL that lacks something is none", () => {
  const find = (prototype: string): ReturnType<typeof someLibc.find> =>
    prototype.includes("EVP_MAC_init") ? undefined : someLibc.find(prototype);
  assert.throws(() => new OpenSsl({ ...someLibc, find }), /has no EVP_MAC_init/);
});
