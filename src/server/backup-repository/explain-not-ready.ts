// The message of a BackupRepository that is not ready: what failed, and what to look at in the cluster.
import { repositoryPasswordSecret } from "../../api/names.ts";
import { asCodedError, explainError, messageOf } from "../../platform/coded-error.ts";

/** The engine's hint about a password speaks of files; here it is in a Secret. */
export function explainNotReady(error: unknown, namespace: string): string {
  if (asCodedError(error)?.code !== "wrong-password") return explainError(error);
  const { name, key } = repositoryPasswordSecret;
  return `${messageOf(error)}; the password in the Secret ${namespace}/${name} (key ${key}) is not the one that this repository was made with: put the old one back`;
}
