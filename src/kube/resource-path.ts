// Where a resource lies on the API server.

import type { AnyKubeObject, ResourceDescriptor } from "./kube-object.ts";

/** Undefined values are left out. */
export type Query = Readonly<Record<string, string | undefined>>;

export interface ResourceAddress {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  /** Of one object, for example "status". */
  readonly subresource?: string | undefined;
}

/** The path of one object, of a part of it, or of a collection. */
export function pathOf(
  resource: ResourceDescriptor<AnyKubeObject>,
  address: ResourceAddress,
  query: Query = {},
): string {
  const root = resource.group === "" ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const inNamespace = resource.isNamespaced && address.namespace !== undefined && address.namespace !== "";
  if (resource.isNamespaced && !inNamespace && address.name !== undefined) {
    throw new Error(`bug: ${resource.plural} ${address.name} without a namespace`);
  }
  const namespace = inNamespace ? `/namespaces/${encodeURIComponent(address.namespace ?? "")}` : "";
  const name = address.name === undefined ? "" : `/${encodeURIComponent(address.name)}`;
  const part = address.subresource === undefined ? "" : `/${address.subresource}`;
  const set = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const search = set.length === 0 ? "" : `?${new URLSearchParams(set)}`;
  return `${root}${namespace}/${resource.plural}${name}${part}${search}`;
}

/** For messages: "get pods ns/name". */
export function describeCall(
  verb: string,
  resource: ResourceDescriptor<AnyKubeObject>,
  address: { readonly namespace?: string | undefined; readonly name?: string | undefined },
): string {
  const where = [address.namespace, address.name].filter((part) => part !== undefined && part !== "").join("/");
  return where === "" ? `${verb} ${resource.plural}` : `${verb} ${resource.plural} ${where}`;
}
