// The objects that an informer knows at the moment, by "namespace/name".

import { type AnyKubeObject, keyOfObject } from "./kube-object.ts";

/** What happened to one object. */
export type ObjectChange<T> =
  | { readonly type: "added"; readonly object: T }
  | { readonly type: "updated"; readonly object: T; readonly previous: T }
  | { readonly type: "deleted"; readonly object: T };

export class ObjectStore<T extends AnyKubeObject> {
  readonly #objects = new Map<string, T>();

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  values(): IterableIterator<T> {
    return this.#objects.values();
  }

  /** Takes in one watched object; undefined when nothing has changed. */
  put(object: T): ObjectChange<T> | undefined {
    const key = keyOfObject(object);
    const previous = this.#objects.get(key);
    this.#objects.set(key, object);
    if (previous === undefined) return { type: "added", object };
    if (previous.metadata.resourceVersion === object.metadata.resourceVersion) return undefined;
    return { type: "updated", object, previous };
  }

  remove(object: T): ObjectChange<T> | undefined {
    const isKnown = this.#objects.delete(keyOfObject(object));
    return isKnown ? { type: "deleted", object } : undefined;
  }

  /** Makes the store equal to a fresh list; what is not in it was deleted while nobody watched. */
  replaceAll(listed: readonly T[]): ObjectChange<T>[] {
    const keys = new Set(listed.map(keyOfObject));
    const gone = [...this.#objects].filter(([key]) => !keys.has(key)).map(([, object]) => object);
    const changes = gone.map((object) => this.remove(object));
    changes.push(...listed.map((object) => this.put(object)));
    return changes.filter((change) => change !== undefined);
  }
}
