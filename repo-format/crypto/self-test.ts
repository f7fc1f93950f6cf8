// Run once at start: a library that computes something else would write repositories that nobody can read. What the provider
// computes must be what the portable one computed when this was written, and restic's own vector must open.
import { RepositoryError } from "../errors.ts";
import { idOf } from "../format/id.ts";
import { chooseProvider } from "./choose-provider.ts";
import { advanceCounter, blocksOf } from "./counter.ts";
import type { MasterKey } from "./master-key.ts";
import type { CryptoProvider, KeyedPrimitives } from "./provider.ts";
import { Sealer } from "./seal.ts";

/** restic's own test vector: a sealed text, by its key. */
const sealedVector = {
  encrypt: "303e8687b1d7db18421bdc6bb8588ccadac4d59ee87b8ff70c44e635790cafef",
  macK: "ef4d8824cb80b2bcc5fbff8a9b12a42c",
  macR: "cc8d4b948ee0ebfe1d415de921d10353",
  sealed: "69fb41c62d12def4593bd71757138606338f621aeaeb39da0fe4f99233f8037a54ea63338a813bcf3f75d8c3cc75dddf8750",
  plain: "Dies ist ein Test!",
} as const;

/** FIPS 180-2, appendix B.1. */
const sha256OfAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/**
 * Beginnings of the SHA-256 of results for "stowage" repeated, by its length: around a block, and around the switch between
 * the ways of counter mode. Under the key above and the nonce below, whose counter wraps around.
 */
const results = [
  { length: 0, crypt: "e3b0c44298fc1c14", mac: "42aabc09f2de6fe0" },
  { length: 1, crypt: "7c5bd2d144fdde49", mac: "abd9b5449bd2aadb" },
  { length: 16, crypt: "63faa2ff3c4d1cbc", mac: "e8ba5657b3d0af11" },
  { length: 17, crypt: "56ce112641ea4f52", mac: "e3e7f9887e5ae68d" },
  { length: 250, crypt: "eee7d4273caa9718", mac: "72d53a985a068ad8" },
  { length: 16385, crypt: "5829d1a225f10fec", mac: "6998bfea62a0f935" },
] as const;

/** Blobs whose nonces follow each other, which share a cipher object. */
const consecutiveResults = [
  { length: 1, crypt: "7c5bd2d144fdde49" },
  { length: 16, crypt: "17caddb368a02a3a" },
  { length: 250, crypt: "995070ceb083fee0" },
  { length: 16385, crypt: "16b38e1b2f9a9a06" },
  { length: 70001, crypt: "5d8d4d8f54bb5153" },
  { length: 40, crypt: "ff71a393e3081ccc" },
] as const;

const firstNonce = "fffffffffffffffffffffffffffffff0";

let hasPassed = false;

/** The self-test of this process' provider, the first time only: about 2 ms. @throws RepositoryError "self-test-failed" */
export function selfTestOnce(): void {
  if (!hasPassed) selfTest();
  hasPassed = true;
}

/** @throws RepositoryError "self-test-failed" naming what is wrong; nothing may be read or written then. */
export function selfTest(provider: CryptoProvider = chooseProvider()): void {
  if (idOf(Buffer.from("abc")) !== sha256OfAbc) throw failed("SHA-256 gives a wrong result");
  const key = {
    encrypt: Buffer.from(sealedVector.encrypt, "hex"),
    macK: Buffer.from(sealedVector.macK, "hex"),
    macR: Buffer.from(sealedVector.macR, "hex"),
  };
  checkVector(provider, key);
  const primitives = provider.bind(key);
  checkResults(primitives);
  checkConsecutive(primitives);
}

function checkVector(provider: CryptoProvider, key: MasterKey): void {
  let plain: string;
  try {
    plain = new Sealer(key, provider).open(Buffer.from(sealedVector.sealed, "hex")).toString();
  } catch (error) {
    throw failed(`the ${provider.name} provider refuses a text that restic sealed`, error);
  }
  if (plain !== sealedVector.plain) throw failed(`the ${provider.name} provider decrypts wrongly`);
}

function checkResults(primitives: KeyedPrimitives): void {
  const nonce = Buffer.from(firstNonce, "hex");
  for (const { length, crypt, mac } of results) {
    if (!crypts(primitives, nonce, { length, crypt })) throw failed(`AES-256-CTR of ${length} bytes is wrong`);
    const tag = primitives.mac(Buffer.alloc(length, "stowage"), nonce);
    if (!idOf(tag).startsWith(mac)) throw failed(`Poly1305-AES of ${length} bytes is wrong`);
  }
}

/** Twice each, as blobs are sealed and compared. */
function checkConsecutive(primitives: KeyedPrimitives): void {
  const nonce = Buffer.from(firstNonce, "hex");
  for (const result of consecutiveResults) {
    for (const _ of ["sealed", "opened"]) {
      if (!crypts(primitives, nonce, result)) throw failed(`AES-256-CTR goes on wrongly with ${result.length} bytes`);
    }
    advanceCounter(nonce, blocksOf(result.length));
  }
}

function crypts(
  primitives: KeyedPrimitives,
  nonce: Uint8Array,
  { length, crypt }: { readonly length: number; readonly crypt: string },
): boolean {
  const output = Buffer.alloc(length);
  primitives.crypt(Buffer.alloc(length, "stowage"), nonce, output, 0);
  return idOf(output).startsWith(crypt);
}

function failed(reason: string, cause?: unknown): RepositoryError {
  return new RepositoryError("self-test-failed", `the start-up test failed: ${reason}`, { cause });
}
