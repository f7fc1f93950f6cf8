// The image that this server runs from: it holds the restore-helper, too.
import { hostname } from "node:os";
import { pods } from "../../api/resources.ts";
import type { TypedClient } from "../../kube/typed-client.ts";

/** Outside of a pod nobody can know it. */
const unknownImage = "stowage:latest";

/** A pod's host name is its name. */
export async function ownImage(
  client: Pick<TypedClient, "find">,
  namespace: string,
  signal: AbortSignal,
): Promise<string> {
  const pod = await client.find(pods, { namespace, name: hostname() }, { signal });
  return pod?.spec?.containers[0]?.image ?? unknownImage;
}
