// Whether the numbers are restic's is asked in test/interop; here: what is counted once and what several times.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import type { BlobId } from "../../../../repo-format/format/id.ts";
import { encodeTree } from "../../../../repo-format/format/tree.ts";
import { collectStats } from "../../../../repo-format/inspect/stats.ts";
import { type FoundSnapshot, findSnapshots } from "../../../../repo-format/repository/find-snapshots.ts";
import type { Repository } from "../../../../repo-format/repository/repository.ts";
import { createTestRepository, storeBlobs, storeSnapshot } from "../../../support/memory-repository.ts";
import { fileNode, storeSampleTree } from "../../../support/sample-trees.ts";

describe("collectStats", () => {
  let repo: Repository;
  let snapshots: FoundSnapshot[];

  before(async () => {
    repo = await createTestRepository();
    const tree = await storeSampleTree(repo);
    await storeSnapshot(repo, tree);
    await storeSnapshot(repo, tree, { time: "2024-05-02T10:00:00Z" });
    snapshots = await findSnapshots(repo);
  });

  test("collectStats by restore size counts every snapshot anew, and hard links once in each", async () => {
    const stats = await collectStats(repo, snapshots, { mode: "restore-size" });
    assert.deepEqual([stats.snapshotsCount, stats.totalFileCount], [2, 18]);
    assert.equal(stats.totalSize, 2 * (75_010 + 5 + 5 + 3));
  });

  test("collectStats by contents counts equal contents once", async () => {
    const stats = await collectStats(repo, snapshots, { mode: "files-by-contents" });
    // What has no content at all counts as one more.
    assert.deepEqual([stats.totalFileCount, stats.totalSize], [3, 75_015]);
  });

  test("collectStats by blobs counts the blobs of distinct files", async () => {
    const stats = await collectStats(repo, snapshots, { mode: "blobs-per-file" });
    assert.deepEqual([stats.totalFileCount, stats.totalBlobCount, stats.totalSize], [2, 4, 75_015]);
  });

  test("collectStats of raw data counts each blob once, with the gain of compression", async () => {
    const stats = await collectStats(repo, snapshots, { mode: "raw-data" });
    assert.equal(stats.totalBlobCount, 8);
    assert.ok(stats.totalSize > 75_015 && stats.totalUncompressedSize > 75_015);
    assert.equal(stats.compressionProgress, 100);
  });

  test("collectStats reports progress a snapshot at a time", async () => {
    const seen: number[] = [];
    const onProgress = ({ snapshotsDone }: { snapshotsDone: number }): unknown => seen.push(snapshotsDone);
    await collectStats(repo, snapshots, { mode: "restore-size", onProgress });
    assert.deepEqual(seen, [1, 2]);
  });

  test("collectStats ends with an error when the index lacks a blob", async () => {
    const absent = "ab".repeat(32) as BlobId;
    const [tree = absent] = await storeBlobs(repo, "tree", [encodeTree([fileNode("f", [absent], { size: 1 })])]);
    const broken = snapshots.slice(0, 1).map(({ id, snapshot }) => ({ id, snapshot: { ...snapshot, tree } }));
    for (const mode of ["raw-data", "blobs-per-file"] as const) {
      await assert.rejects(collectStats(repo, broken, { mode }), (error) => RepositoryError.is(error, "blob-missing"));
    }
  });
});
