import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { idOf } from "../../../../repo-format/format/id.ts";
import {
  idFromKey,
  isLockKey,
  isPackKey,
  keyOf,
  listPrefix,
  packFolders,
} from "../../../../repo-format/storage/key-layout.ts";

const id = idOf(Buffer.from("x"));
const kinds = ["key", "snapshot", "index", "lock", "pack"] as const;

describe("key layout", () => {
  it("puts each kind where restic does", () => {
    const keys = kinds.map((kind) => keyOf(kind, id));
    const pack = `data/${id.slice(0, 2)}/${id}`;
    assert.deepEqual(keys, [`keys/${id}`, `snapshots/${id}`, `index/${id}`, `locks/${id}`, pack]);
  });

  it("finds the id in every key that it makes, and only for that kind", () => {
    for (const kind of kinds) {
      const key = keyOf(kind, id);
      assert.ok(key.startsWith(listPrefix(kind)));
      for (const other of kinds) assert.equal(idFromKey(other, key), other === kind ? id : undefined);
    }
  });

  it("takes no foreign name for an id: temporary files, upper case, other lengths, deeper folders", () => {
    const names = [`${id}-tmp-12345`, id.toUpperCase(), id.slice(1), `${id}0`, "README", "", `sub/${id}`];
    for (const name of names) assert.equal(idFromKey("index", `index/${name}`), undefined, name);
  });

  it("knows a pack by its base name wherever it lies below data, as restic does", () => {
    assert.equal(idFromKey("pack", `data/${id}`), id);
    assert.equal(idFromKey("pack", `data/zz/deeper/${id}`), id);
    assert.equal(idFromKey("pack", `index/${id}`), undefined);
  });

  it("tells locks and packs from the rest", () => {
    assert.deepEqual(
      kinds.filter((kind) => isLockKey(keyOf(kind, id))),
      ["lock"],
    );
    assert.deepEqual(
      kinds.filter((kind) => isPackKey(keyOf(kind, id))),
      ["pack"],
    );
  });

  it("has 256 pack folders in order", () => {
    assert.equal(packFolders.length, 256);
    assert.deepEqual([packFolders[0], packFolders[171], packFolders[255]], ["00", "ab", "ff"]);
    assert.deepEqual([...packFolders].sort(), packFolders);
  });
});
