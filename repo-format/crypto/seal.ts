// Seals everything that a repository stores: nonce ‖ AES-256-CTR ciphertext ‖ Poly1305-AES of the ciphertext
// (restic design, *Keys, Encryption and MAC*). The MAC binds neither type nor name: callers check the SHA-256 as well.
import { randomFillSync, timingSafeEqual } from "node:crypto";
import { RepositoryError } from "../errors.ts";
import { sealOverheadBytes } from "../format/blob.ts";
import { chooseProvider } from "./choose-provider.ts";
import type { MasterKey } from "./master-key.ts";
import { type CryptoProvider, type KeyedPrimitives, macBytes, nonceBytes } from "./provider.ts";

/** Nonces drawn at a time: 1.9 µs for each alone, 0.02 in a batch. They are not secret. */
const noncesPerDraw = 1024;

export class Sealer {
  /** Bytes that sealing adds. */
  static readonly overhead: number = sealOverheadBytes;

  readonly #primitives: KeyedPrimitives;
  readonly #nonces: Buffer = Buffer.alloc(noncesPerDraw * nonceBytes);
  #nextNonce: number = noncesPerDraw;

  /** An instance belongs to one thread. */
  constructor(key: MasterKey, provider: CryptoProvider = chooseProvider()) {
    this.#primitives = provider.bind(key);
  }

  /** Seals into a new buffer of `plain.length + Sealer.overhead` bytes. */
  seal(plain: Uint8Array): Buffer {
    const sealed = Buffer.allocUnsafeSlow(plain.length + Sealer.overhead);
    this.sealInto(plain, sealed, 0);
    return sealed;
  }

  /** Seals to `target` from `offset` on, which must have room; returns the number of bytes written. */
  sealInto(plain: Uint8Array, target: Uint8Array, offset: number): number {
    const start = offset + nonceBytes;
    const end = start + plain.length;
    if (end + macBytes > target.length) throw new RangeError(`bug: no room to seal ${plain.length} bytes at ${offset}`);
    const nonce = this.#drawNonce();
    target.set(nonce, offset);
    this.#primitives.crypt(plain, nonce, target, start);
    target.set(this.#primitives.mac(target.subarray(start, end), nonce), end);
    return plain.length + Sealer.overhead;
  }

  /**
   * Checks and decrypts.
   * @returns the plaintext, a new buffer.
   * @throws RepositoryError "authentication-failed" when the bytes were changed or sealed with another key.
   */
  open(sealed: Uint8Array): Buffer {
    const plain = Buffer.allocUnsafeSlow(Math.max(0, sealed.length - Sealer.overhead));
    this.openInto(sealed, plain);
    return plain;
  }

  /** The same into the beginning of `target`; returns the number of bytes. */
  openInto(sealed: Uint8Array, target: Uint8Array): number {
    if (sealed.length < Sealer.overhead) throw failed(`${sealed.length} bytes are fewer than sealing adds`);
    const nonce = sealed.subarray(0, nonceBytes);
    if (isZero(nonce)) throw failed("its nonce is zero");
    const ciphertext = sealed.subarray(nonceBytes, sealed.length - macBytes);
    const stored = sealed.subarray(sealed.length - macBytes);
    if (!timingSafeEqual(this.#primitives.mac(ciphertext, nonce), stored)) throw failed("its MAC is wrong");
    this.#primitives.crypt(ciphertext, nonce, target, 0);
    return ciphertext.length;
  }

  #drawNonce(): Uint8Array {
    for (;;) {
      if (this.#nextNonce === noncesPerDraw) {
        randomFillSync(this.#nonces);
        this.#nextNonce = 0;
      }
      const at = this.#nextNonce++ * nonceBytes;
      const nonce = this.#nonces.subarray(at, at + nonceBytes);
      // Readers refuse a nonce of zeros: it would be a generator that does not work.
      if (!isZero(nonce)) return nonce;
    }
  }
}

function isZero(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte !== 0) return false;
  return true;
}

function failed(reason: string): RepositoryError {
  return new RepositoryError("authentication-failed", `the stored bytes are not authentic: ${reason}`);
}
