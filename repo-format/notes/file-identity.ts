// What makes a file the same as it was, in bytes that can be hashed: everything that the kernel changes when somebody writes.
import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { FileStat } from "../file-tree/file-stat.ts";
import type { BlobId } from "../format/id.ts";

/** Of SHA-256: two files that share it would have to be looked for on purpose. */
export const fingerprintBytes = 16;

const identityBytes = 40;
const idDigits = 64;

/** What of a stat tells that a file is the same, and unchanged. */
export type FileIdentity = Pick<FileStat, "dev" | "ino" | "size" | "mtimeNs" | "ctimeNs">;

/** Identity of a file and of the bytes in it, as one number. @param salt keeps notes of different origin apart */
export function fileFingerprint(salt: Buffer, stat: FileIdentity, content: readonly BlobId[] = []): Buffer {
  const bytes = Buffer.allocUnsafe(salt.length + identityBytes + content.length * idDigits);
  let at = salt.copy(bytes);
  for (const number of [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs])
    at = bytes.writeBigInt64LE(BigInt.asIntN(64, number), at);
  for (const id of content) at += bytes.write(id, at, "latin1");
  return hash("sha256", bytes, "buffer").subarray(0, fingerprintBytes);
}

/**
 * Differs after each start of the machine; undefined where the system does not say. Notes end with the run of the kernel:
 * what it had not written out when the power failed is gone, although sizes and times look as before, and devices may have
 * other numbers.
 */
export function bootId(): string | undefined {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return undefined;
  }
}
