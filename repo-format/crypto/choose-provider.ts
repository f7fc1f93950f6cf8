// OpenSSL's own functions where they can be called, then add-ons that load, plain TypeScript elsewhere.
import { loadNativeProvider } from "./native.ts";
import { loadOpenSslProvider } from "./openssl.ts";
import { portableProvider } from "./portable.ts";
import type { CryptoProvider } from "./provider.ts";

let chosen: CryptoProvider | undefined;

/** The provider of this process; the add-on is tried once a thread. */
export function chooseProvider(): CryptoProvider {
  chosen ??= load();
  return chosen;
}

/** The results are the same, only slower one after the other. */
function load(): CryptoProvider {
  for (const tryNext of [loadOpenSslProvider, loadNativeProvider]) {
    try {
      return tryNext();
    } catch {
      // Not on this platform, or not in this build of Node.
    }
  }
  return portableProvider;
}
