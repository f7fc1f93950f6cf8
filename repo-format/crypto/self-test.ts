// Run once at start: a library that computes something else would write repositories that nobody can read. The native
// provider must agree with the portable one and with published vectors.
import { sha256 } from "@noble/hashes/sha2.js";
import { RepositoryError } from "../errors.ts";
import { idOf } from "../format/id.ts";
import { chooseProvider } from "./choose-provider.ts";
import { advanceCounter, blocksOf } from "./counter.ts";
import type { MasterKey } from "./master-key.ts";
import { portableProvider } from "./portable.ts";
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

let hasPassed = false;

/** The self-test of this process' provider, the first time only: about 15 ms. @throws RepositoryError "self-test-failed" */
export function selfTestOnce(): void {
  if (!hasPassed) selfTest();
  hasPassed = true;
}

/** @throws RepositoryError "self-test-failed" naming what is wrong; nothing may be read or written then. */
export function selfTest(provider: CryptoProvider = chooseProvider()): void {
  if (idOf(Buffer.from("abc")) !== sha256OfAbc) throw failed("SHA-256 gives a wrong result");
  // More than one block, so that padding and chaining are compared too.
  const message = Buffer.alloc(1000, "stowage");
  if (idOf(message) !== Buffer.from(sha256(message)).toString("hex"))
    throw failed("SHA-256 differs between the providers");
  const key = {
    encrypt: Buffer.from(sealedVector.encrypt, "hex"),
    macK: Buffer.from(sealedVector.macK, "hex"),
    macR: Buffer.from(sealedVector.macR, "hex"),
  };
  for (const candidate of new Set([provider, portableProvider])) checkVector(candidate, key);
  if (provider !== portableProvider) checkAgreement(provider, key);
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

/**
 * Lengths around a block, and around the switch between the ways of counter mode; the counter wraps around. Then blobs whose
 * nonces follow each other, which share a cipher object; twice each, as they are sealed and compared.
 */
function checkAgreement(provider: CryptoProvider, key: MasterKey): void {
  const [tested, reference] = [provider.bind(key), portableProvider.bind(key)];
  const nonce = Buffer.from("fffffffffffffffffffffffffffffff0", "hex");
  for (const length of [0, 1, 16, 17, 250, 16_385]) {
    const input = Buffer.alloc(length, "stowage");
    if (!isSameCrypt(tested, reference, input, nonce)) {
      throw failed(`AES-256-CTR of ${length} bytes differs between the providers`);
    }
    if (Buffer.compare(tested.mac(input, nonce), reference.mac(input, nonce)) !== 0) {
      throw failed(`Poly1305-AES of ${length} bytes differs between the providers`);
    }
  }
  for (const length of [1, 16, 250, 16_385, 40]) {
    const input = Buffer.alloc(length, "stowage");
    for (const _ of ["sealed", "opened"]) {
      if (!isSameCrypt(tested, reference, input, nonce)) {
        throw failed(`AES-256-CTR goes on wrongly with ${length} bytes`);
      }
    }
    advanceCounter(nonce, blocksOf(length));
  }
}

function isSameCrypt(tested: KeyedPrimitives, reference: KeyedPrimitives, input: Buffer, nonce: Buffer): boolean {
  const [output, expected] = [Buffer.alloc(input.length), Buffer.alloc(input.length)];
  tested.crypt(input, nonce, output, 0);
  reference.crypt(input, nonce, expected, 0);
  return output.equals(expected);
}

function failed(reason: string, cause?: unknown): RepositoryError {
  return new RepositoryError("self-test-failed", `the start-up test failed: ${reason}`, { cause });
}
