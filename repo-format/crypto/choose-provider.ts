// Native code where it loads, plain TypeScript elsewhere.
import { loadNativeProvider } from "./native.ts";
import { portableProvider } from "./portable.ts";
import type { CryptoProvider } from "./provider.ts";

let chosen: CryptoProvider | undefined;

/** The provider of this process; the add-on is tried once a thread. */
export function chooseProvider(): CryptoProvider {
  chosen ??= load();
  return chosen;
}

function load(): CryptoProvider {
  try {
    return loadNativeProvider();
  } catch {
    // No add-on for this platform: the results are the same, only slower.
    return portableProvider;
  }
}
