// What the client demands of an object: metadata. The kinds themselves are declared elsewhere; this folder knows none.

export interface KubeMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly deletionTimestamp?: string;
}

export interface AnyKubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: KubeMeta;
}

/** A REST resource; `objectType` exists only for the type checker. */
export interface ResourceDescriptor<T extends AnyKubeObject> {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly isNamespaced: boolean;
  /**
   * Fields that every object has when it was read, because the schema lets objects without them in: a CRD's `spec` is as
   * optional as its author left it.
   */
  readonly defaults?: Readonly<Record<string, unknown>>;
  readonly objectType?: T;
}

/** The object as the API server gave it, with the resource's defaults where it has nothing. */
export function withDefaults<T extends AnyKubeObject>({ defaults }: ResourceDescriptor<T>, object: T): T {
  if (defaults === undefined) return object;
  const absent = Object.entries(defaults).filter(([field]) => (object as Record<string, unknown>)[field] === undefined);
  return absent.length === 0 ? object : { ...object, ...Object.fromEntries(absent) };
}

/** "group/version", or "v1" for the core group. */
export function apiVersionOf(resource: ResourceDescriptor<AnyKubeObject>): string {
  return resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
}

/** "namespace/name", or the bare name of a cluster-scoped object. */
export function keyOfObject(object: AnyKubeObject): string {
  const { namespace, name } = object.metadata;
  return namespace === undefined || namespace === "" ? name : `${namespace}/${name}`;
}

export function splitKey(key: string): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf("/");
  return slash < 0 ? { namespace: "", name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
