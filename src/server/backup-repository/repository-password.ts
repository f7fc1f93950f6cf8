// The password of all repositories: the Secret that is there, or a new random one. Velero's own is a public constant;
// ours is 32 random bytes.
import { randomBytes } from "node:crypto";
import { repositoryPasswordSecret } from "../../api/names.ts";
import { secrets } from "../../api/resources.ts";
import { KubeError } from "../../kube/kube-errors.ts";
import type { TypedClient } from "../../kube/typed-client.ts";

/** Makes the Secret when it is absent; true when it was made now. A Secret that exists is never changed. */
export async function ensureRepositoryPassword(
  client: TypedClient,
  namespace: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { name, key } = repositoryPasswordSecret;
  if ((await client.find(secrets, { namespace, name }, { signal })) !== undefined) return false;
  const value = Buffer.from(randomBytes(32).toString("base64url")).toString("base64");
  try {
    await client.create(secrets, { metadata: { name, namespace }, type: "Opaque", data: { [key]: value } }, { signal });
    return true;
  } catch (error) {
    if (KubeError.is(error, "already-exists")) return false;
    throw error;
  }
}
