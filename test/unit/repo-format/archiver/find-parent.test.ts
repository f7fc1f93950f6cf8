import assert from "node:assert/strict";
import { test } from "node:test";
import { type FindParentOptions, findParent, loadParent } from "../../../../repo-format/archiver/find-parent.ts";
import type { SnapshotId } from "../../../../repo-format/format/id.ts";
import type { Snapshot } from "../../../../repo-format/format/snapshot-file.ts";
import { emptyTreeId } from "../../../../repo-format/format/tree.ts";
import { createTestRepository, storeSnapshot } from "../../../support/memory-repository.ts";

const asked: FindParentOptions = {
  hostname: "host-1",
  paths: ["/data"],
  tags: ["daily"],
  notAfter: "2024-06-01T00:00:00Z",
};

/** Stores the snapshots. @returns who is found, by the place in the list */
async function found(
  snapshots: readonly Partial<Snapshot>[],
  options: Partial<FindParentOptions> = {},
): Promise<number> {
  const repo = await createTestRepository();
  const ids: SnapshotId[] = [];
  for (const fields of snapshots) ids.push(await storeSnapshot(repo, emptyTreeId, fields));
  const parent = await findParent(repo, { ...asked, ...options });
  return parent === undefined ? -1 : ids.indexOf(parent.id);
}

test("the latest snapshot of the host with at least our paths is the parent", async () => {
  const snapshots = [
    { time: "2024-05-01T00:00:00Z" },
    { time: "2024-05-03T00:00:00Z", paths: ["/other", "/data"] },
    { time: "2024-05-04T00:00:00Z", paths: ["/data/sub"] },
    { time: "2024-05-05T00:00:00Z", hostname: "host-2" },
  ];
  assert.equal(await found(snapshots), 1);
  assert.equal(await found(snapshots, { groupBy: ["paths"] }), 3);
  assert.equal(await found(snapshots, { groupBy: [] }), 3);
  assert.equal(await found([], {}), -1);
});

test("a parent that is required and not there is an error", async () => {
  const another = [{ time: "2024-05-01T00:00:00Z", hostname: "host-2" }];
  await assert.rejects(found(another, { isRequired: true }), { code: "snapshot-missing" });
  assert.equal(await found(another, { isRequired: true, groupBy: ["paths"] }), 0);
});

test("snapshots later than our own time are not looked at", async () => {
  const snapshots = [{ time: "2024-05-01T00:00:00Z" }, { time: "2024-06-01T00:00:00.000000001Z" }];
  assert.equal(await found(snapshots), 0);
  assert.equal(await found([{ time: "2024-06-01T02:00:00+02:00" }]), 0, "instants count, not texts");
});

test("grouping by tags asks for all of ours", async () => {
  const snapshots = [
    { time: "2024-05-01T00:00:00Z", tags: ["daily", "more"] },
    { time: "2024-05-02T00:00:00Z", tags: ["more"] },
  ];
  assert.equal(await found(snapshots, { groupBy: ["host", "paths", "tags"] }), 0);
});

test("lists of tags are tried in order, wherever host and paths were", async () => {
  const snapshots = [
    { time: "2024-05-01T00:00:00Z", tags: ["pvc-uid=1", "ns=a"], hostname: "x", paths: ["/gone"] },
    { time: "2024-05-02T00:00:00Z", tags: ["pvc-uid=2", "ns=a", "volume=data"] },
    { time: "2024-05-03T00:00:00Z", tags: ["ns=a", "volume=other"] },
  ];
  assert.equal(await found(snapshots, { tagLists: [["pvc-uid=1"], ["ns=a", "volume=data"]] }), 0);
  assert.equal(await found(snapshots, { tagLists: [["pvc-uid=9"], ["ns=a", "volume=data"]] }), 1);
  assert.equal(await found(snapshots, { tagLists: [["pvc-uid=9"]] }), -1);
  assert.equal(await found(snapshots, { tagLists: [[]] }), -1, "an empty list would mean any volume");
});

test("a parent that is gone is no reason to fail", async () => {
  const repo = await createTestRepository();
  const id = await storeSnapshot(repo, emptyTreeId);
  assert.equal((await loadParent(repo, id))?.snapshot.tree, emptyTreeId);
  assert.equal(await loadParent(repo, "ab".repeat(32) as SnapshotId), undefined);
});
