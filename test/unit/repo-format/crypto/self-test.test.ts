import assert from "node:assert/strict";
import { test } from "node:test";
import { loadNativeProvider } from "../../../../repo-format/crypto/native.ts";
import { loadOpenSslProvider } from "../../../../repo-format/crypto/openssl.ts";
import { portableProvider } from "../../../../repo-format/crypto/portable.ts";
import type { CryptoProvider, KeyedPrimitives } from "../../../../repo-format/crypto/provider.ts";
import { selfTest } from "../../../../repo-format/crypto/self-test.ts";
import { RepositoryError } from "../../../../repo-format/errors.ts";

/** The native provider with one primitive wrong for some inputs. */
function broken(change: (good: KeyedPrimitives) => Partial<KeyedPrimitives>): CryptoProvider {
  const native = loadNativeProvider();
  return {
    name: "native",
    bind(key) {
      const good = native.bind(key);
      return { crypt: good.crypt.bind(good), mac: good.mac.bind(good), ...change(good) };
    },
  };
}

function finds(provider: CryptoProvider, message: RegExp): void {
  assert.throws(
    () => selfTest(provider),
    (error) => RepositoryError.is(error, "self-test-failed") && message.test(error.message),
  );
}

test("the self-test passes with all providers", () => {
  selfTest();
  selfTest(loadOpenSslProvider());
  selfTest(loadNativeProvider());
  selfTest(portableProvider);
});

test("the self-test finds a stream that goes on wrongly", () => {
  const provider = broken((good) => {
    let calls = 0;
    return {
      crypt(input, nonce, target, offset) {
        good.crypt(input, nonce, target, offset);
        if (++calls > 8 && input.length === 250) target[offset] = (target[offset] as number) ^ 1;
      },
    };
  });
  finds(provider, /goes on wrongly with 250 bytes/);
});

test("the self-test finds a MAC that is always wrong", () => {
  finds(
    broken(() => ({ mac: () => Buffer.alloc(16) })),
    /refuses a text that restic sealed/,
  );
});

test("the self-test finds decryption that does nothing", () => {
  finds(
    broken(() => ({ crypt: (input, _nonce, target, offset) => target.set(input, offset) })),
    /decrypts wrongly/,
  );
});

test("the self-test finds a counter that does not carry", () => {
  const provider = broken((good) => ({
    crypt(input, nonce, target, offset) {
      good.crypt(input, nonce, target, offset);
      if (input.length > 16 && nonce[15] === 0xf0) target[offset + 17] = 0;
    },
  }));
  finds(
    provider,
    /AES-256-CTR of 250 bytes is wrong|AES-256-CTR of 17 bytes is wrong|AES-256-CTR of 16385 bytes is wrong/,
  );
});

test("the self-test finds a MAC that is wrong for long inputs only", () => {
  const provider = broken((good) => ({
    mac: (bytes, nonce) => (bytes.length > 10_000 ? Buffer.alloc(16) : good.mac(bytes, nonce)),
  }));
  finds(provider, /Poly1305-AES of 16385 bytes is wrong/);
});
