// The provider without native code, by the audited @noble libraries: for machines where an add-on does not load, and as the
// reference that the native provider is held against at start.
import { poly1305 } from "@noble/ciphers/_poly1305.js";
import { ctr, ecb } from "@noble/ciphers/aes.js";
import type { CryptoProvider } from "./provider.ts";

export const portableProvider: CryptoProvider = {
  name: "portable",
  bind: (key) => ({
    crypt(input, nonce, target, offset) {
      target.set(ctr(key.encrypt, nonce).encrypt(input), offset);
    },
    mac(bytes, nonce) {
      const blockKey = ecb(key.macK, { disablePadding: true }).encrypt(nonce);
      return poly1305(bytes, Buffer.concat([key.macR, blockKey]));
    },
  }),
};
