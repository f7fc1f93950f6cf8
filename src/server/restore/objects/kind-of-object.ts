// Which resource of the cluster an object is, and whether it may be that one.
import { type DiscoveredResource, type Discovery, groupResourceOf } from "../../../kube/discovery.ts";
import type { MutableObject } from "./json-fields.ts";
import { isNeverRestored, type RestoreScope } from "./restore-scope.ts";

/** @throws Error when the cluster has no such kind */
export function resourceOf({ apiVersion, kind }: MutableObject, discovery: Discovery): DiscoveredResource {
  const [version = "", group = ""] = apiVersion.split("/").toReversed();
  const found = discovery.ofKind(group, kind, version);
  if (found !== undefined) return found;
  const away = discovery.failures.find((failure) => failure.group === apiVersion);
  const reason = away === undefined ? "its CRD is not installed, or not in this version" : away.reason;
  throw new Error(`the cluster does not serve ${apiVersion} ${kind}: ${reason}`);
}

/**
 * A tarball comes from a bucket: what lies under the name of one kind must not be of another, which was perhaps left out.
 * @throws Error
 */
export function mustBeOfKind(groupResource: string, { apiVersion, kind }: MutableObject, discovery: Discovery): void {
  if (typeof apiVersion !== "string" || typeof kind !== "string") throw new Error("it has no apiVersion or no kind");
  const [version = "", group = ""] = apiVersion.split("/").toReversed();
  const found = discovery.ofKind(group, kind, version);
  if (found !== undefined && groupResourceOf(found) !== groupResource) {
    throw new Error(`the backup has a ${kind} of ${apiVersion} in place of one of the ${groupResource}`);
  }
}

/** A modifier may make an object of another kind, but none that the Restore leaves out. @throws Error */
export function mustBeAllowed(resource: DiscoveredResource, scope: RestoreScope): void {
  const groupResource = groupResourceOf(resource);
  const reason =
    scope.reasonToHoldBack(groupResource) ?? (isNeverRestored(groupResource) ? "it is never restored" : undefined);
  if (reason !== undefined) throw new Error(`a resource modifier made a ${resource.kind} of it: ${reason}`);
}
