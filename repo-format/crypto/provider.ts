// The two primitives of the format, behind one interface, so that native code and plain TypeScript can be held against each
// other: AES-256 in counter mode, and Poly1305-AES (Bernstein, *The Poly1305-AES message-authentication code*, 2005).
import type { MasterKey } from "./master-key.ts";

export const nonceBytes = 16;
export const macBytes = 16;

/** Primitives bound to one key; an instance belongs to one thread. */
export interface KeyedPrimitives {
  /**
   * XORs the AES-256-CTR key stream onto `input`. `nonce` is the first counter block, a 128-bit big-endian number.
   * @param target receives `input.length` bytes at `offset`; may be the memory of `input`.
   */
  crypt(input: Uint8Array, nonce: Uint8Array, target: Uint8Array, offset: number): void;
  /** Poly1305-AES of the bytes under the nonce, 16 bytes; valid until the next call. */
  mac(bytes: Uint8Array, nonce: Uint8Array): Uint8Array;
}

export interface CryptoProvider {
  readonly name: "openssl" | "native" | "portable";
  bind(key: MasterKey): KeyedPrimitives;
}
