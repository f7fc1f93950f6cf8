import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Backup } from "../../../../../src/api/backup.ts";
import type { PodVolumeBackup } from "../../../../../src/api/pod-volume-backup.ts";
import { podVolumeBackups } from "../../../../../src/api/resources.ts";
import {
  ownedSnapshots,
  storedVolumeBackups,
  volumeBackupsOf,
} from "../../../../../src/server/deletion/snapshots-of-backup.ts";
import type { LocationStore } from "../../../../../src/server/location-store/location-store.ts";
import { ObjectTable } from "../../../../support/object-table.ts";

const { signal } = new AbortController();
const namespace = "velero";
const backup: Backup = { metadata: { name: "b", uid: "u-1", namespace }, spec: {} };

interface Wish {
  readonly owner?: string;
  readonly snapshotID?: string;
  readonly uploaderType?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

function volumeBackup({ owner = "shop", snapshotID, uploaderType = "restic", tags }: Wish): PodVolumeBackup {
  return {
    metadata: { name: `b-${snapshotID}`, namespace },
    spec: {
      node: "n",
      pod: { name: "db", namespace: owner },
      volume: "data",
      backupStorageLocation: "default",
      repoIdentifier: "",
      uploaderType,
      ...(tags === undefined ? {} : { tags }),
    },
    status: snapshotID === undefined ? {} : { snapshotID },
  };
}

describe("ownedSnapshots", () => {
  it("gathers snapshots by the namespace that owns the repository, each once, with the uid in their tags", () => {
    const { byNamespace, problems } = ownedSnapshots([
      volumeBackup({ snapshotID: "aaaaaaaa", tags: { "backup-uid": "u-1" } }),
      volumeBackup({ snapshotID: "aaaaaaaa", tags: { "backup-uid": "u-1" } }),
      volumeBackup({ snapshotID: "bbbbbbbb", uploaderType: "" }),
      volumeBackup({ snapshotID: "cccccccc", owner: "bank" }),
    ]);
    assert.deepEqual(problems, []);
    assert.deepEqual(Object.fromEntries(byNamespace), {
      shop: [
        { id: "aaaaaaaa", backupUid: "u-1" },
        { id: "bbbbbbbb", backupUid: undefined },
      ],
      bank: [{ id: "cccccccc", backupUid: undefined }],
    });
  });

  it("finds none where a volume was empty or has failed", () => {
    assert.equal(ownedSnapshots([volumeBackup({ snapshotID: "" }), volumeBackup({})]).byNamespace.size, 0);
  });

  it("leaves out what names no snapshot, above all what would name another one", () => {
    const named = ["latest", "a", "AAAAAAAA", "aaaaaaaa:sub", "../aaaaaaaa"].map((snapshotID) =>
      volumeBackup({ snapshotID }),
    );
    assert.deepEqual(ownedSnapshots(named), { byNamespace: new Map(), problems: [] });
  });

  it("does not pretend to delete what kopia has stored", () => {
    const { byNamespace, problems } = ownedSnapshots([volumeBackup({ snapshotID: "kopia-1", uploaderType: "kopia" })]);
    assert.equal(byNamespace.size, 0);
    assert.deepEqual(problems, [
      "the volume data of the pod shop/db was stored by kopia, which only Velero can delete",
    ]);
  });
});

describe("volumeBackupsOf", () => {
  it("finds those with the Backup's label, but not those of an earlier Backup of the same name", async () => {
    const table = new ObjectTable();
    const put = (name: string, labels: Record<string, string>): void =>
      table.put(podVolumeBackups, { ...volumeBackup({}), metadata: { name, namespace, labels } });
    put("ours", { "velero.io/backup-name": "b", "velero.io/backup-uid": "u-1" });
    put("bare", { "velero.io/backup-name": "b" });
    put("earlier", { "velero.io/backup-name": "b", "velero.io/backup-uid": "u-0" });
    put("other", { "velero.io/backup-name": "c" });
    const found = await volumeBackupsOf(backup, { client: table.client, namespace }, signal);
    assert.deepEqual(
      found.map(({ metadata }) => metadata.name),
      ["ours", "bare"],
    );
  });
});

describe("storedVolumeBackups", () => {
  const read = async (content: unknown): Promise<readonly PodVolumeBackup[]> =>
    storedVolumeBackups(backup, { readJson: async () => content } as unknown as LocationStore, signal);

  it("believes nothing that is no PodVolumeBackup", async () => {
    const good = volumeBackup({ snapshotID: "aaaaaaaa" });
    const numbered = { ...good, status: { snapshotID: 7 } };
    const wrong = [null, 7, "x", {}, { spec: {} }, { spec: { pod: { namespace: 7 } } }, numbered];
    assert.deepEqual(await read([...wrong, good]), [good]);
    for (const content of [undefined, null, {}, "x"]) assert.deepEqual(await read(content), []);
  });
});
