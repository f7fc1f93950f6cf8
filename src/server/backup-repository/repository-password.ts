// The password of all repositories: the Secret that is there, or a new random one. Velero's own is a public constant;
// ours is 32 random bytes.
import { randomBytes } from "node:crypto";
import { repositoryPasswordSecret } from "../../api/names.ts";
import { backupRepositories, secrets } from "../../api/resources.ts";
import { KubeError } from "../../kube/kube-errors.ts";
import type { TypedClient } from "../../kube/typed-client.ts";

/** "refused": it is gone although repositories exist that another password opens. */
export type PasswordState = "present" | "made" | "refused";

/** Makes the Secret when it is absent. A Secret that exists is never changed. */
export async function ensureRepositoryPassword(
  client: Pick<TypedClient, "find" | "list" | "create">,
  namespace: string,
  signal: AbortSignal,
): Promise<PasswordState> {
  const { name, key } = repositoryPasswordSecret;
  if ((await client.find(secrets, { namespace, name }, { signal })) !== undefined) return "present";
  const { items } = await client.list(backupRepositories, { namespace, signal });
  // Only a repository that was opened once has this time.
  if (items.some((one) => (one.status?.lastMaintenanceTime ?? "") !== "")) return "refused";
  const value = Buffer.from(randomBytes(32).toString("base64url")).toString("base64");
  try {
    await client.create(secrets, { metadata: { name, namespace }, type: "Opaque", data: { [key]: value } }, { signal });
    return "made";
  } catch (error) {
    if (KubeError.is(error, "already-exists")) return "present";
    throw error;
  }
}
