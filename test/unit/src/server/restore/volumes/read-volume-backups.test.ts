import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { podVolumeBackups } from "../../../../../../src/api/resources.ts";
import type { LocationStore } from "../../../../../../src/server/location-store/location-store.ts";
import { readVolumeBackups } from "../../../../../../src/server/restore/volumes/read-volume-backups.ts";
import { ObjectTable } from "../../../../../support/object-table.ts";

const { signal } = new AbortController();

function volumeBackup(volume: string, snapshotID: string): object {
  const labels = { "velero.io/backup-name": "b" };
  const spec = { pod: { namespace: "app", name: "web" }, volume };
  return { metadata: { name: `${volume}-${snapshotID}`, namespace: "velero", labels }, spec, status: { snapshotID } };
}

async function read(inCluster: readonly object[], stored: unknown): Promise<string[]> {
  const table = new ObjectTable();
  for (const one of inCluster) table.put(podVolumeBackups, one);
  const store: Pick<LocationStore, "readJson"> = {
    readJson: async <T>(file: unknown) => {
      assert.deepEqual(file, { of: "backup", name: "b", file: "podVolumeBackups" });
      return stored as T;
    },
  };
  const reader = { client: table.client, namespace: "velero", store };
  const found = await readVolumeBackups({ metadata: { name: "b" }, spec: {} }, reader, signal);
  return found.map(({ spec, status }) => `${spec.volume} ${status?.snapshotID}`);
}

describe("readVolumeBackups()", () => {
  it("takes the cluster's, and from the location those that the cluster lacks", async () => {
    const found = await read([volumeBackup("data", "1")], [volumeBackup("data", "2"), volumeBackup("logs", "3")]);
    assert.deepEqual(found, ["data 1", "logs 3"]);
  });

  it("needs no file in the location", async () => {
    assert.deepEqual(await read([volumeBackup("data", "1")], undefined), ["data 1"]);
  });

  it("believes nothing of what lies in a bucket", async () => {
    const odd = [null, 1, "x", {}, { metadata: {}, spec: {} }, { metadata: {}, spec: { pod: null, volume: "v" } }];
    const bad = { metadata: {}, spec: { pod: {}, volume: "v" }, status: { snapshotID: 7 } };
    assert.deepEqual(await read([], [...odd, bad, volumeBackup("data", "1")]), ["data 1"]);
    assert.deepEqual(await read([], { not: "a list" }), []);
  });
});
