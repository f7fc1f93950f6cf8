// What became of each object, in the form of `restore-<r>-resource-list.json.gz`.
import type { ItemAddress } from "../../tarball/tarball-reader.ts";
import { keyOfAddress } from "./backup-contents.ts";

export type ItemAction = "created" | "updated" | "skipped" | "failed";

export class ResourceTally {
  readonly #entries = new Map<string, Map<string, ItemAction>>();

  /** @param apiVersion "v1", "apps/v1"; the address is the one in the cluster. */
  note(
    { apiVersion, kind }: { readonly apiVersion: string; readonly kind: string },
    address: ItemAddress,
    action: ItemAction,
  ): void {
    const key = `${apiVersion}/${kind}`;
    const ofKind = this.#entries.get(key) ?? new Map<string, ItemAction>();
    this.#entries.set(key, ofKind);
    const name = keyOfAddress(address);
    ofKind.set(name, action);
  }

  list(): Readonly<Record<string, readonly string[]>> {
    const kinds = [...this.#entries].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(
      kinds.map(([kind, names]) => [kind, [...names].map(([name, action]) => `${name}(${action})`).toSorted()]),
    );
  }
}
