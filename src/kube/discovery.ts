// Which resources the API server serves: every group with its preferred version, read again when asked to.
import type { AnyKubeObject, ResourceDescriptor } from "./kube-object.ts";

export interface DiscoveredResource extends ResourceDescriptor<AnyKubeObject> {
  readonly verbs: readonly string[];
  readonly shortNames: readonly string[];
  readonly singular: string;
  /** The group's preferred version. Others are listed too. */
  readonly isPreferred: boolean;
}

export interface Discovery {
  /** Without subresources; preferred versions first within each group. */
  readonly resources: readonly DiscoveredResource[];
  /** Groups that could not be read (an aggregated API whose server is away), with the reason. */
  readonly failures: readonly { readonly group: string; readonly reason: string }[];
  /**
   * The preferred version of what a user may call a resource: "deployments", "deployments.apps", "deployment", "deploy",
   * "deployments.v1.apps"; case does not matter. Undefined when nothing or nothing unambiguous has that name
   * (core wins over other groups).
   */
  find(name: string): DiscoveredResource | undefined;
  /** By group and kind, of any version when none is given. */
  ofKind(group: string, kind: string, version?: string): DiscoveredResource | undefined;
}

/** "pods", "deployments.apps": the name under which resources lie in a tarball. */
export function groupResourceOf(resource: ResourceDescriptor<AnyKubeObject>): string {
  return resource.group === "" ? resource.plural : `${resource.plural}.${resource.group}`;
}
