// What a restore asks of a Backup's tarball: which objects lie in it, and one of them at a time.
import type { ItemAddress, TarballContents } from "../../tarball/tarball-reader.ts";

export type BackupContents = Pick<TarballContents, "groupResources" | "addresses" | "read">;

/** "ns/name", or the name alone. */
export function keyOfAddress({ namespace, name }: ItemAddress): string {
  return namespace === undefined || namespace === "" ? name : `${namespace}/${name}`;
}

/** Tells whether a single object is there, without going through all of its kind each time. */
export class ContentsIndex {
  readonly #contents: BackupContents;
  readonly #keys = new Map<string, ReadonlySet<string>>();

  constructor(contents: BackupContents) {
    this.#contents = contents;
  }

  has(groupResource: string, address: ItemAddress): boolean {
    let keys = this.#keys.get(groupResource);
    if (keys === undefined) {
      keys = new Set(this.#contents.addresses(groupResource).map(keyOfAddress));
      this.#keys.set(groupResource, keys);
    }
    return keys.has(keyOfAddress(address));
  }
}
