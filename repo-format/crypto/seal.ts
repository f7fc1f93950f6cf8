// Seals everything that a repository stores: nonce ‖ AES-256-CTR ciphertext ‖ Poly1305-AES of the ciphertext
// (restic design, *Keys, Encryption and MAC*). The MAC binds neither type nor name: callers check the SHA-256 as well.
import { randomFillSync, timingSafeEqual } from "node:crypto";
import { RepositoryError } from "../errors.ts";
import { sealOverheadBytes } from "../format/blob.ts";
import { chooseProvider } from "./choose-provider.ts";
import { advanceCounter, blockBytes, blocksOf } from "./counter.ts";
import type { MasterKey } from "./master-key.ts";
import { type CryptoProvider, type KeyedPrimitives, macBytes, nonceBytes } from "./provider.ts";

/**
 * Blobs whose nonces are counted on, each from the end of the key stream of the one before, from one random number. Counting
 * lets one cipher object serve them all (running-stream.ts); no two blobs can share a part of the key stream. A new number
 * now and then, for a machine that was copied while it ran must not go on counting as its copy does.
 */
const noncesPerDraw = 1024;

export class Sealer {
  /** Bytes that sealing adds. */
  static readonly overhead: number = sealOverheadBytes;

  readonly #primitives: KeyedPrimitives;
  readonly #nextNonce: Buffer = Buffer.alloc(nonceBytes);
  #noncesLeft = 0;

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
    const nonce = this.#writeNonce(plain.length, target, offset);
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
    const { ciphertext, nonce } = this.#authenticated(sealed);
    this.#primitives.crypt(ciphertext, nonce, target, 0);
    return ciphertext.length;
  }

  /**
   * The same piece by piece, in the memory of one: for those who only look at the plaintext.
   * @param memory its length is a multiple of the cipher's 16-byte block.
   * @param take is given each piece, which is valid until it returns; false ends it.
   * @returns false when `take` did.
   */
  openPieces(sealed: Uint8Array, memory: Buffer, take: (piece: Buffer) => boolean): boolean {
    const { ciphertext, nonce } = this.#authenticated(sealed);
    const counter = Buffer.from(nonce);
    for (let at = 0; at < ciphertext.length; at += memory.length) {
      const piece = ciphertext.subarray(at, at + memory.length);
      this.#primitives.crypt(piece, counter, memory, 0);
      if (!take(memory.subarray(0, piece.length))) return false;
      advanceCounter(counter, memory.length / blockBytes);
    }
    return true;
  }

  #authenticated(sealed: Uint8Array): { readonly ciphertext: Uint8Array; readonly nonce: Uint8Array } {
    if (sealed.length < Sealer.overhead) throw failed(`${sealed.length} bytes are fewer than sealing adds`);
    const nonce = sealed.subarray(0, nonceBytes);
    if (isZero(nonce)) throw failed("its nonce is zero");
    const ciphertext = sealed.subarray(nonceBytes, sealed.length - macBytes);
    const stored = sealed.subarray(sealed.length - macBytes);
    if (!timingSafeEqual(this.#primitives.mac(ciphertext, nonce), stored)) throw failed("its MAC is wrong");
    return { ciphertext, nonce };
  }

  /** @returns where it was written to. */
  #writeNonce(bytes: number, target: Uint8Array, offset: number): Uint8Array {
    // Readers refuse a nonce of zeros: it would be a generator that does not work.
    while (this.#noncesLeft === 0 || isZero(this.#nextNonce)) {
      randomFillSync(this.#nextNonce);
      this.#noncesLeft = noncesPerDraw;
    }
    this.#noncesLeft--;
    target.set(this.#nextNonce, offset);
    advanceCounter(this.#nextNonce, Math.max(1, blocksOf(bytes)));
    return target.subarray(offset, offset + nonceBytes);
  }
}

function isZero(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte !== 0) return false;
  return true;
}

function failed(reason: string): RepositoryError {
  return new RepositoryError("authentication-failed", `the stored bytes are not authentic: ${reason}`);
}
