// OpenSSL as Node carries it: its public functions by prototype, called on memory in place. node:crypto makes an object with
// memory of its own for each result; these calls allocate nothing. SHA-256 of 100 bytes takes 0.3 µs instead of 2.2, AES-256-CTR
// and Poly1305 of 7 KB together 2.7 instead of 7 (Poly1305 is OpenSSL's own for this processor).
import { type Libc, libc, type NativeFunction } from "./libc.ts";

const prototypes = {
  EVP_MD_fetch: "uintptr_t EVP_MD_fetch(const void *library, const void *name, const void *properties)",
  EVP_Digest:
    "int EVP_Digest(const void *data, size_t size, void *digest, const void *digestBytes, uintptr_t type, const void *engine)",
  EVP_CIPHER_fetch: "uintptr_t EVP_CIPHER_fetch(const void *library, const void *name, const void *properties)",
  EVP_CIPHER_CTX_new: "uintptr_t EVP_CIPHER_CTX_new()",
  EVP_CIPHER_CTX_free: "void EVP_CIPHER_CTX_free(uintptr_t context)",
  EVP_CIPHER_CTX_set_padding: "int EVP_CIPHER_CTX_set_padding(uintptr_t context, int padding)",
  EVP_EncryptInit_ex:
    "int EVP_EncryptInit_ex(uintptr_t context, uintptr_t type, const void *engine, const void *key, const void *iv)",
  EVP_EncryptUpdate:
    "int EVP_EncryptUpdate(uintptr_t context, void *output, void *outputBytes, const void *input, int inputBytes)",
  EVP_MAC_fetch: "uintptr_t EVP_MAC_fetch(const void *library, const void *name, const void *properties)",
  EVP_MAC_CTX_new: "uintptr_t EVP_MAC_CTX_new(uintptr_t type)",
  EVP_MAC_CTX_free: "void EVP_MAC_CTX_free(uintptr_t context)",
  EVP_MAC_init: "int EVP_MAC_init(uintptr_t context, const void *key, size_t keyBytes, const void *parameters)",
  EVP_MAC_update: "int EVP_MAC_update(uintptr_t context, const void *data, size_t size)",
  EVP_MAC_final: "int EVP_MAC_final(uintptr_t context, void *tag, const void *tagBytes, size_t room)",
} as const;

type Functions = Readonly<Record<keyof typeof prototypes, NativeFunction>>;

const sha256Bytes = 32;
const poly1305KeyBytes = 32;
const poly1305Bytes = 16;
const ivBytes = 16;
/** Lengths of one call are C's int. */
const mostBytesAtOnce: number = 1024 * 1024 * 1024;

/** Memory of OpenSSL's; an address of 0 was freed. */
interface Context {
  address: number;
  readonly free: NativeFunction;
}

/** Of this thread. */
const contexts = new Set<Context>();
const unused = new FinalizationRegistry<Context>(freeContext);

function freeContext(context: Context): void {
  if (context.address !== 0) context.free(context.address);
  context.address = 0;
  contexts.delete(context);
}

/** For the end of a thread, whose contexts the collector will not look at any more. What uses one afterwards throws. */
export function freeOpenSslContexts(): void {
  for (const context of contexts) freeContext(context);
}

/** One cipher with one key; belongs to one thread. */
export interface NativeCipher {
  /** Begins anew. @param iv 16 bytes. */
  start(iv: Uint8Array): void;
  /** @param target room for as many bytes as the input has; may be the input itself. */
  update(input: Uint8Array, target: Uint8Array): void;
}

/** Belongs to one thread. */
export interface NativePoly1305 {
  /** @param key 32 bytes. @param tag receives 16. */
  authenticate(bytes: Uint8Array, key: Uint8Array, tag: Uint8Array): void;
}

export class OpenSsl {
  readonly #functions: Functions;
  /** Shared by all threads; they live as long as the process. */
  readonly #implementations = new Map<string, number>();
  readonly #sha256: number;

  /** @throws Error when the library lacks something. */
  constructor(library: Libc) {
    const found = Object.entries(prototypes).map(([name, prototype]) => [name, library.find(prototype)] as const);
    const missing = found.find(([, call]) => call === undefined);
    if (missing !== undefined) throw new Error(`this OpenSSL has no ${missing[0]}`);
    this.#functions = Object.fromEntries(found) as Functions;
    this.#sha256 = this.#fetch("EVP_MD_fetch", "SHA2-256");
  }

  /** @param target receives 32 bytes. */
  sha256(bytes: Uint8Array, target: Uint8Array): void {
    if (target.length < sha256Bytes) throw new RangeError(`bug: ${target.length} bytes for a SHA-256`);
    succeeded(this.#functions.EVP_Digest(bytes, bytes.length, target, null, this.#sha256, null), "SHA-256");
  }

  /** @param key of as many bytes as the cipher takes. */
  createCipher(name: "AES-256-CTR" | "AES-128-ECB", key: Uint8Array): NativeCipher {
    const { EVP_CIPHER_CTX_new: create, EVP_CIPHER_CTX_free: free, EVP_EncryptInit_ex: init } = this.#functions;
    if (key.length !== (name === "AES-256-CTR" ? 32 : 16)) throw new RangeError(`bug: a key of ${key.length} bytes`);
    const context = newContext(create(), free);
    const type = this.#fetch("EVP_CIPHER_fetch", name);
    succeeded(init(context.address, type, null, key, null), name);
    succeeded(this.#functions.EVP_CIPHER_CTX_set_padding(context.address, 0), name);
    return new Cipher(this.#functions, context);
  }

  createPoly1305(): NativePoly1305 {
    const { EVP_MAC_CTX_new: create, EVP_MAC_CTX_free: free } = this.#functions;
    return new Poly1305(this.#functions, newContext(create(this.#fetch("EVP_MAC_fetch", "POLY1305")), free));
  }

  #fetch(call: "EVP_MD_fetch" | "EVP_CIPHER_fetch" | "EVP_MAC_fetch", name: string): number {
    const known = this.#implementations.get(name);
    if (known !== undefined) return known;
    const implementation = this.#functions[call](null, Buffer.from(`${name}\0`), null);
    if (implementation === 0) throw new Error(`this OpenSSL has no ${name}`);
    this.#implementations.set(name, implementation);
    return implementation;
  }
}

class Cipher implements NativeCipher {
  readonly #functions: Functions;
  readonly #context: Context;
  readonly #outputBytes = Buffer.alloc(4);

  constructor(functions: Functions, context: Context) {
    this.#functions = functions;
    this.#context = context;
    unused.register(this, context);
  }

  start(iv: Uint8Array): void {
    if (iv.length !== ivBytes) throw new RangeError(`bug: an initial counter of ${iv.length} bytes`);
    succeeded(this.#functions.EVP_EncryptInit_ex(addressOf(this.#context), 0, null, null, iv), "a cipher");
  }

  update(input: Uint8Array, target: Uint8Array): void {
    if (target.length < input.length) throw new RangeError(`bug: ${target.length} bytes for ${input.length}`);
    if (input.length > mostBytesAtOnce) {
      this.update(input.subarray(0, mostBytesAtOnce), target);
      this.update(input.subarray(mostBytesAtOnce), target.subarray(mostBytesAtOnce));
    } else if (input.length > 0) {
      const update = this.#functions.EVP_EncryptUpdate;
      succeeded(update(addressOf(this.#context), target, this.#outputBytes, input, input.length), "a cipher");
    }
  }
}

class Poly1305 implements NativePoly1305 {
  readonly #functions: Functions;
  readonly #context: Context;

  constructor(functions: Functions, context: Context) {
    this.#functions = functions;
    this.#context = context;
    unused.register(this, context);
  }

  authenticate(bytes: Uint8Array, key: Uint8Array, tag: Uint8Array): void {
    if (key.length !== poly1305KeyBytes || tag.length < poly1305Bytes)
      throw new RangeError("bug: key or tag too short");
    const { EVP_MAC_init: init, EVP_MAC_update: update, EVP_MAC_final: final } = this.#functions;
    const address = addressOf(this.#context);
    succeeded(init(address, key, poly1305KeyBytes, null), "Poly1305");
    if (bytes.length > 0) succeeded(update(address, bytes, bytes.length), "Poly1305");
    succeeded(final(address, tag, null, poly1305Bytes), "Poly1305");
  }
}

function newContext(address: number, free: NativeFunction): Context {
  if (address === 0) throw new Error("OpenSSL has no memory for a context");
  const context = { address, free };
  contexts.add(context);
  return context;
}

function addressOf({ address }: Context): number {
  if (address === 0) throw new Error("bug: this thread has ended");
  return address;
}

function succeeded(result: number, what: string): void {
  if (result !== 1) throw new Error(`OpenSSL refused ${what}`);
}

/** Of this thread; undefined where libc is, and where Node was built with something else. */
export const openSsl: OpenSsl | undefined = load();

function load(): OpenSsl | undefined {
  try {
    return libc && new OpenSsl(libc);
  } catch {
    return undefined;
  }
}
