import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { RepositoryError } from "../../../../../../repo-format/errors.ts";
import { InMemoryStorage } from "../../../../../../repo-format/storage/in-memory.ts";
import type { Backup } from "../../../../../../src/api/backup.ts";
import { type BackupContents, uploadBackup } from "../../../../../../src/server/backup/run/upload-backup.ts";
import type { LocationStore } from "../../../../../../src/server/location-store/location-store.ts";
import { locationStoreOpener } from "../../../../../../src/server/location-store/open-location-store.ts";
import { FaultyStorage } from "../../../../../support/faulty-storage.ts";
import { ListRunLog } from "../../../../../support/list-run-log.ts";
import { temporaryDirectory } from "../../../../../support/temporary-directory.ts";

const { signal } = new AbortController();

async function open(): Promise<{ readonly objects: FaultyStorage; readonly store: LocationStore }> {
  const objects = new FaultyStorage(new InMemoryStorage());
  const store = await locationStoreOpener({ openObjects: async () => ({ storage: objects, prefix: "" }) })({
    metadata: { name: "default" },
    spec: { provider: "local", objectStorage: { bucket: "b" } },
  });
  return { objects, store };
}

function contentsIn(t: TestContext): BackupContents {
  const folder = temporaryDirectory(t, "upload");
  const log = new ListRunLog();
  log.path = join(folder, "log.gz");
  for (const path of [log.path, join(folder, "tarball")]) writeFileSync(path, "bytes");
  const metadata = { name: "b", uid: "u", managedFields: [{ manager: "x" }] };
  const backup: Backup = { metadata, spec: {}, status: { phase: "Completed" } };
  return { backup, tarball: join(folder, "tarball"), volumeBackups: [], volumeInfo: [], resourceList: {}, log };
}

describe("uploadBackup", () => {
  it("stores the metadata last: whatever fails before, nobody takes the rest for a Backup", async (t) => {
    const contents = contentsIn(t);
    const whole = await open();
    await uploadBackup(whole.store, contents, signal);
    const puts = whole.objects.calls.filter(({ method }) => method === "put").map(({ key }) => key);
    assert.equal(puts.at(-1), "backups/b/velero-backup.json");
    assert.equal(puts.length, 12);
    for (const failing of puts.filter((key) => !key.endsWith("-logs.gz"))) {
      const { objects, store } = await open();
      objects.plan = ({ method, key }) => {
        if (method === "put" && key === failing) throw new RepositoryError("storage-unavailable", "no answer");
        return undefined;
      };
      await assert.rejects(uploadBackup(store, contents, signal), failing);
      assert.equal(await store.hasBackup("b"), false, failing);
    }
  });

  it("is none the worse for a log that cannot be stored", async (t) => {
    const { objects, store } = await open();
    objects.plan = ({ key }) => {
      if (key.endsWith("-logs.gz")) throw new RepositoryError("storage-unavailable", "no answer");
      return undefined;
    };
    await uploadBackup(store, contentsIn(t), signal);
    assert.equal(await store.hasBackup("b"), true);
  });

  it("keeps the Backup as a reader expects it: with its kind, without the API server's notes", async (t) => {
    const { store } = await open();
    await uploadBackup(store, contentsIn(t), signal);
    const backup = await store.readBackup("b");
    assert.deepEqual(
      [backup.apiVersion, backup.kind, backup.metadata],
      ["velero.io/v1", "Backup", { name: "b", uid: "u" }],
    );
  });
});
