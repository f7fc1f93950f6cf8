// The contents of a Backup as a map in memory, in place of a tarball.
import type { KubeObject } from "../../src/api/kube-object.ts";
import type { BackupContents } from "../../src/server/restore/objects/backup-contents.ts";
import type { ItemAddress } from "../../src/server/tarball/tarball-reader.ts";

export class MemoryContents implements BackupContents {
  readonly #kinds = new Map<string, Map<string, KubeObject>>();

  add(groupResource: string, object: KubeObject): void {
    const kind = this.#kinds.get(groupResource) ?? new Map<string, KubeObject>();
    this.#kinds.set(groupResource, kind);
    kind.set(`${object.metadata.namespace ?? ""}/${object.metadata.name}`, object);
  }

  get groupResources(): readonly string[] {
    return [...this.#kinds.keys()];
  }

  addresses(groupResource: string): readonly ItemAddress[] {
    const objects = [...(this.#kinds.get(groupResource)?.values() ?? [])];
    return objects.map(({ metadata: { namespace, name } }) =>
      namespace === undefined ? { name } : { namespace, name },
    );
  }

  read(groupResource: string, { namespace, name }: ItemAddress): Promise<KubeObject> {
    const object = this.#kinds.get(groupResource)?.get(`${namespace ?? ""}/${name}`);
    return object === undefined
      ? Promise.reject(new Error(`${groupResource} ${name} is not in the backup`))
      : Promise.resolve(structuredClone(object));
  }
}
