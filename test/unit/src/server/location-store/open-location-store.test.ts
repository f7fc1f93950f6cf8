import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { describe, it } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { InMemoryStorage } from "../../../../../repo-format/storage/in-memory.ts";
import type { BackupStorageLocation } from "../../../../../src/api/backup-storage-location.ts";
import type { LocationStore, StoredFile } from "../../../../../src/server/location-store/location-store.ts";
import { locationStoreOpener } from "../../../../../src/server/location-store/open-location-store.ts";
import { FaultyStorage } from "../../../../support/faulty-storage.ts";
import { temporaryDirectory } from "../../../../support/temporary-directory.ts";

interface Opened {
  readonly objects: FaultyStorage;
  readonly store: LocationStore;
}

async function open(prefix = "", accessMode: "ReadOnly" | "ReadWrite" = "ReadWrite"): Promise<Opened> {
  const objects = new FaultyStorage(new InMemoryStorage());
  const location: BackupStorageLocation = {
    metadata: { name: "default" },
    spec: { provider: "local", objectStorage: { bucket: "b" }, accessMode },
  };
  const store = await locationStoreOpener({ openObjects: async () => ({ storage: objects, prefix }) })(location);
  return { objects, store };
}

async function keysOf(objects: FaultyStorage): Promise<string[]> {
  return (await Array.fromAsync(objects.beneath.list(""))).map(({ key }) => key);
}

const metadataOf = (name: string): StoredFile => ({ of: "backup", name, file: "metadata" });
const backup = (name: string): object => ({ kind: "Backup", metadata: { name }, spec: {} });

describe("the store of a location", () => {
  it("keeps every file where Velero's layout has it, gzipped where the name says so", async (t) => {
    const { objects, store } = await open("bucket/prefix/");
    const backupFiles = [
      "metadata",
      "podVolumeBackups",
      "volumeSnapshots",
      "itemOperations",
      "resourceList",
      "results",
    ];
    const csi = ["csiVolumeSnapshots", "csiVolumeSnapshotContents", "csiVolumeSnapshotClasses"];
    for (const file of [...backupFiles, "volumeInfo", ...csi]) {
      await store.writeJson({ of: "backup", name: "b", file } as StoredFile, { file });
    }
    for (const file of ["results", "resourceList", "itemOperations", "volumeInfo"]) {
      await store.writeJson({ of: "restore", name: "r", file } as StoredFile, { file });
    }
    const path = join(temporaryDirectory(t), "log.gz");
    writeFileSync(path, gzipSync("a line\n"));
    await store.writeFile({ of: "backup", name: "b", file: "log" }, path);
    await store.writeFile({ of: "backup", name: "b", file: "contents" }, path);
    await store.writeFile({ of: "restore", name: "r", file: "log" }, path);
    assert.deepEqual(await keysOf(objects), [
      "bucket/prefix/backups/b/b-csi-volumesnapshotclasses.json.gz",
      "bucket/prefix/backups/b/b-csi-volumesnapshotcontents.json.gz",
      "bucket/prefix/backups/b/b-csi-volumesnapshots.json.gz",
      "bucket/prefix/backups/b/b-itemoperations.json.gz",
      "bucket/prefix/backups/b/b-logs.gz",
      "bucket/prefix/backups/b/b-podvolumebackups.json.gz",
      "bucket/prefix/backups/b/b-resource-list.json.gz",
      "bucket/prefix/backups/b/b-results.gz",
      "bucket/prefix/backups/b/b-volumeinfo.json.gz",
      "bucket/prefix/backups/b/b-volumesnapshots.json.gz",
      "bucket/prefix/backups/b/b.tar.gz",
      "bucket/prefix/backups/b/velero-backup.json",
      "bucket/prefix/restores/r/r-volumeinfo.json.gz",
      "bucket/prefix/restores/r/restore-r-itemoperations.json.gz",
      "bucket/prefix/restores/r/restore-r-logs.gz",
      "bucket/prefix/restores/r/restore-r-resource-list.json.gz",
      "bucket/prefix/restores/r/restore-r-results.gz",
    ]);
    const stored = async (key: string): Promise<Buffer> => await objects.get(`bucket/prefix/backups/b/${key}`);
    assert.equal((await stored("velero-backup.json")).toString(), '{"file":"metadata"}');
    assert.equal(gunzipSync(await stored("b-results.gz")).toString(), '{"file":"results"}');
    assert.equal(gunzipSync(await stored("b-logs.gz")).toString(), "a line\n");
  });

  it("names the Backups that have their metadata, with one listing", async () => {
    const { objects, store } = await open("p/");
    for (const name of ["one", "two.2"]) await store.writeJson(metadataOf(name), backup(name));
    await store.writeJson({ of: "backup", name: "half", file: "results" }, {});
    for (const key of [
      "p/backups/velero-backup.json",
      "p/backups/one/deeper/velero-backup.json",
      "p/backups/No Name/velero-backup.json",
      "backups/elsewhere/velero-backup.json",
      "p/restores/r/velero-backup.json",
    ]) {
      await objects.put(key, Buffer.from("{}"));
    }
    objects.calls.length = 0;
    assert.deepEqual(await store.listBackups(), ["one", "two.2"]);
    assert.deepEqual(
      objects.calls.map(({ method }) => method),
      ["list"],
    );
    assert.deepEqual([await store.hasBackup("one"), await store.hasBackup("half")], [true, false]);
  });

  it("reads a Backup, and nothing else for one", async () => {
    const { objects, store } = await open();
    await store.writeJson(metadataOf("b"), backup("b"));
    assert.deepEqual(await store.readBackup("b"), backup("b"));
    await assert.rejects(store.readBackup("none"), { code: "object-missing" });
    const wrong = ["null", "[]", '{"kind":"Restore","metadata":{"name":"b"},"spec":{}}', '{"metadata":{"name":"b"}}'];
    for (const text of [...wrong, JSON.stringify(backup("c")), "{", ""]) {
      await objects.put("backups/b/velero-backup.json", Buffer.from(text));
      await assert.rejects(
        store.readBackup("b"),
        { code: "stored-file-malformed", message: /velero-backup\.json/ },
        text,
      );
    }
  });

  it("reads JSON gzipped or plain; what is not there is undefined, what is damaged an error", async () => {
    const { objects, store } = await open();
    const results: StoredFile = { of: "backup", name: "b", file: "results" };
    assert.equal(await store.readJson(results), undefined);
    await store.writeJson(results, { warnings: {} });
    assert.deepEqual(await store.readJson(results), { warnings: {} });
    await objects.put("backups/b/b-results.gz", Buffer.from('{"plain":1}'));
    assert.deepEqual(await store.readJson(results), { plain: 1 });
    await objects.put("backups/b/b-results.gz", gzipSync('{"cut":1}').subarray(0, 12));
    await assert.rejects(store.readJson(results), { code: "stored-file-malformed" });
  });

  it("unpacks no more than 64 MiB of what somebody has put there", async () => {
    const { objects, store } = await open();
    await objects.put("backups/b/b-results.gz", gzipSync(Buffer.alloc((64 << 20) + 1)));
    const results: StoredFile = { of: "backup", name: "b", file: "results" };
    await assert.rejects(store.readJson(results), { code: "stored-file-too-large" });
  });

  it("reads a large file in pieces, each a request of its own", async () => {
    const { objects, store } = await open();
    const bytes = Buffer.alloc((9 << 20) + 5, "stowage");
    await objects.put("backups/b/b.tar.gz", bytes);
    objects.calls.length = 0;
    assert.ok((await buffer(store.read({ of: "backup", name: "b", file: "contents" }))).equals(bytes));
    assert.equal(objects.keysOf("getRange").length, 3);
    assert.equal(objects.keysOf("get").length, 0);
    await assert.rejects(buffer(store.read({ of: "backup", name: "c", file: "contents" })), { code: "object-missing" });
  });

  it("deletes all of a Backup, what makes it one first, and nothing of another whose name begins alike", async () => {
    const { objects, store } = await open("p/");
    for (const name of ["b", "b2"]) {
      await store.writeJson(metadataOf(name), backup(name));
      await store.writeJson({ of: "backup", name, file: "results" }, {});
    }
    await store.deleteBackup("b");
    assert.equal(objects.keysOf("delete")[0], "p/backups/b/velero-backup.json");
    assert.deepEqual(await keysOf(objects), ["p/backups/b2/b2-results.gz", "p/backups/b2/velero-backup.json"]);
    await store.deleteBackup("b");
    await store.deleteRestore("b");
    assert.equal((await keysOf(objects)).length, 2);
  });

  it("leaves the Backups of a read-only location alone, but keeps what Restores of them leave", async () => {
    const { objects, store } = await open("", "ReadOnly");
    await objects.put("backups/b/velero-backup.json", Buffer.from(JSON.stringify(backup("b"))));
    const refusal = { code: "storage-location-unusable", message: /default is read-only/ };
    await assert.rejects(store.deleteBackup("b"), refusal);
    await assert.rejects(store.writeJson(metadataOf("b"), {}), refusal);
    await assert.rejects(store.writeFile({ of: "backup", name: "b", file: "log" }, "/dev/null"), refusal);
    assert.equal((await store.readBackup("b")).metadata.name, "b");
    await store.writeJson({ of: "restore", name: "r", file: "results" }, {});
    await store.deleteRestore("r");
    assert.deepEqual(await keysOf(objects), ["backups/b/velero-backup.json"]);
  });

  it("has no signed URLs where the store has none, and ends with its store", async () => {
    const { store } = await open();
    assert.equal(await store.signedUrl(metadataOf("b"), 1000), undefined);
    await store.close();
  });
});
