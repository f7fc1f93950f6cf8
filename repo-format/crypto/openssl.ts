// The fastest provider: both primitives by OpenSSL's own functions, from memory to memory. Sealing and opening 1 KiB take
// 1.5 and 1.7 µs, by node:crypto's objects and sodium-native 3.4 and 4.6, 7 KB 4.6 and 4.7 instead of 7.3 and 9.0.
import { type NativeCipher, type NativePoly1305, type OpenSsl, openSsl } from "../native/openssl.ts";
import type { MasterKey } from "./master-key.ts";
import { type CryptoProvider, type KeyedPrimitives, macBytes } from "./provider.ts";

/** @throws Error when OpenSSL's functions cannot be called on this machine. */
export function loadOpenSslProvider(): CryptoProvider {
  if (openSsl === undefined) throw new Error("OpenSSL's functions are not there");
  const library = openSsl;
  return { name: "openssl", bind: (key) => new OpenSslPrimitives(library, key) };
}

class OpenSslPrimitives implements KeyedPrimitives {
  readonly #cipher: NativeCipher;
  readonly #nonceCipher: NativeCipher;
  readonly #poly1305: NativePoly1305;
  /** r, then AES(k, nonce). */
  readonly #oneTimeKey: Buffer = Buffer.alloc(32);
  readonly #secondHalf: Buffer = this.#oneTimeKey.subarray(16);
  readonly #mac: Buffer = Buffer.alloc(macBytes);

  constructor(library: OpenSsl, key: MasterKey) {
    this.#cipher = library.createCipher("AES-256-CTR", key.encrypt);
    this.#nonceCipher = library.createCipher("AES-128-ECB", key.macK);
    this.#poly1305 = library.createPoly1305();
    this.#oneTimeKey.set(key.macR);
  }

  crypt(input: Uint8Array, nonce: Uint8Array, target: Uint8Array, offset: number): void {
    this.#cipher.start(nonce);
    this.#cipher.update(input, offset === 0 ? target : target.subarray(offset));
  }

  mac(bytes: Uint8Array, nonce: Uint8Array): Uint8Array {
    this.#nonceCipher.update(nonce, this.#secondHalf);
    this.#poly1305.authenticate(bytes, this.#oneTimeKey, this.#mac);
    return this.#mac;
  }
}
