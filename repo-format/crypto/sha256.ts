// SHA-256 into memory that is there: ids of blobs by the thousand, without an object for each.
import { hash } from "node:crypto";
import { openSsl } from "../native/openssl.ts";

/** @param target receives 32 bytes. */
export function sha256Into(bytes: Uint8Array, target: Uint8Array): void {
  if (openSsl === undefined) target.set(hash("sha256", bytes, "buffer"));
  else openSsl.sha256(bytes, target);
}
