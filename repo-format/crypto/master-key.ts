// The keys that seal everything in a repository; made once, at init.
import type { MasterKey } from "../format/key-file.ts";

export type { MasterKey } from "../format/key-file.ts";

/** Bytes of all three parts together: what scrypt derives for a password, too. */
export const keyMaterialBytes = 64;

/** @param random returns that many random bytes from the system's generator. */
export function generateMasterKey(random: (count: number) => Uint8Array): MasterKey {
  return splitKeyMaterial(Buffer.from(random(keyMaterialBytes)));
}

/** 64 bytes → [0,32) AES-256 key, [32,48) k, [48,64) r. */
export function splitKeyMaterial(material: Buffer): MasterKey {
  if (material.length !== keyMaterialBytes) throw new Error(`bug: ${material.length} bytes of key material`);
  return { encrypt: material.subarray(0, 32), macK: material.subarray(32, 48), macR: material.subarray(48, 64) };
}
