// Whether an object gets its status back, and the write that does it.
import type { KubeObject } from "../../../api/kube-object.ts";
import { annotations } from "../../../api/names.ts";
import type { RestoreSpec } from "../../../api/restore.ts";
import type { DiscoveredResource, Discovery } from "../../../kube/discovery.ts";
import { KubeError } from "../../../kube/kube-errors.ts";
import type { TypedClient } from "../../../kube/typed-client.ts";
import { annotationOf, type MutableObject } from "./json-fields.ts";
import { addressOf } from "./placement.ts";
import { inclusion, resolveKind } from "./restore-scope.ts";

/** The object's own annotation decides; without one, the Restore's lists do. Without lists no status comes back. */
export function statusTest(
  { restoreStatus }: RestoreSpec,
  discovery: Pick<Discovery, "find">,
): (groupResource: string, original: MutableObject) => boolean {
  const lists = inclusion(restoreStatus?.includedResources, restoreStatus?.excludedResources, (name) =>
    resolveKind(name, discovery),
  );
  // As for Velero, a restoreStatus that includes nothing by name includes everything.
  const isListed = (groupResource: string): boolean =>
    restoreStatus !== null && restoreStatus !== undefined && lists.includes(groupResource);
  return (groupResource, original) => {
    const wish = annotationOf(original, annotations.restoreStatus)?.trim().toLowerCase();
    if (wish === "true" || wish === "false") return wish === "true";
    return isListed(groupResource);
  };
}

/** @throws KubeError */
export async function writeStatus(
  {
    resource,
    object,
    status,
  }: { readonly resource: DiscoveredResource; readonly object: MutableObject; readonly status: unknown },
  client: Pick<TypedClient, "mergePatch">,
  signal: AbortSignal,
): Promise<void> {
  const patch = { status };
  try {
    await client.mergePatch<KubeObject>(resource, addressOf(object), patch, { signal, subresource: "status" });
  } catch (error) {
    // A kind without a status subresource keeps its status in the object itself.
    if (!KubeError.is(error, "not-found") && !KubeError.is(error, "no-such-resource")) throw error;
    await client.mergePatch<KubeObject>(resource, addressOf(object), patch, { signal });
  }
}
