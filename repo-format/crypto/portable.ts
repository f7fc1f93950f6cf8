// The provider without native code, by the audited @noble libraries: for machines where an add-on does not load, and as the
// reference that the other providers are held against. Loaded when it is first bound: it takes 15 ms of each thread, and hardly
// one needs it.
import { createRequire } from "node:module";
import type * as nobleAes from "@noble/ciphers/aes.js";
import type { CryptoProvider } from "./provider.ts";

const require = createRequire(import.meta.url);

export const portableProvider: CryptoProvider = {
  name: "portable",
  bind: (key) => {
    const { ctr, ecb } = require("@noble/ciphers/aes.js") as typeof nobleAes;
    const { poly1305 } = require("@noble/ciphers/_poly1305.js") as typeof import("@noble/ciphers/_poly1305.js");
    return {
      crypt(input, nonce, target, offset) {
        target.set(ctr(key.encrypt, nonce).encrypt(input), offset);
      },
      mac(bytes, nonce) {
        const blockKey = ecb(key.macK, { disablePadding: true }).encrypt(nonce);
        return poly1305(bytes, Buffer.concat([key.macR, blockKey]));
      },
    };
  },
};
