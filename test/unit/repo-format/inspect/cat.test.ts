import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import { type BlobId, idOf, type SnapshotId } from "../../../../repo-format/format/id.ts";
import { cat, catKinds, isBinary } from "../../../../repo-format/inspect/cat.ts";
import { withLock } from "../../../../repo-format/repository/lock.ts";
import type { Repository } from "../../../../repo-format/repository/repository.ts";
import { createTestRepository, storeSnapshot } from "../../../support/memory-repository.ts";
import { storeSampleTree } from "../../../support/sample-trees.ts";

describe("cat", () => {
  let repo: Repository;
  let root: BlobId;
  let snapshotId: SnapshotId;

  before(async () => {
    repo = await createTestRepository();
    root = await storeSampleTree(repo);
    snapshotId = await storeSnapshot(repo, root);
  });

  const json = async (kind: Parameters<typeof cat>[1], name: string): Promise<Record<string, unknown>> =>
    JSON.parse((await cat(repo, kind, name)).toString());
  const firstOf = async (kind: "index" | "pack" | "lock"): Promise<string> => {
    for await (const { id } of repo.list(kind)) return id;
    return "";
  };

  test("cat shows the small files as JSON", async () => {
    assert.equal((await json("config", "")).id, repo.id);
    assert.deepEqual(Object.keys(await json("masterkey", "")).sort(), ["encrypt", "mac"]);
    assert.equal((await json("key", repo.keyId)).kdf, "scrypt");
    assert.equal((await json("snapshot", snapshotId.slice(0, 8))).tree, root);
    assert.equal((await json("snapshot", "latest")).tree, root);
    assert.ok(Array.isArray((await json("index", await firstOf("index"))).packs));
    await withLock(repo, { exclusive: false, timings: { settleMs: 0 } }, async () => {
      assert.equal((await json("lock", await firstOf("lock"))).hostname, "host-1");
    });
  });

  test("cat gives blobs, trees and packs as their bytes", async () => {
    assert.equal((await cat(repo, "blob", idOf(Buffer.from("small")))).toString(), "small");
    assert.equal(idOf(await cat(repo, "blob", root)), root);
    assert.equal(idOf(await cat(repo, "tree", snapshotId)), root);
    assert.match((await cat(repo, "tree", "latest:/etc/deep")).toString(), /"name":"leaf"/);
    const packId = await firstOf("pack");
    assert.equal(idOf(await cat(repo, "pack", packId)), packId);
  });

  test("cat refuses ids that are none, and says what is not there", async () => {
    const absent = "cd".repeat(32);
    const code = async (kind: Parameters<typeof cat>[1], name: string): Promise<string> => {
      const error: unknown = await cat(repo, kind, name).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      return RepositoryError.is(error) ? error.code : "none";
    };
    assert.equal(await code("pack", "xyz"), "argument-invalid");
    assert.equal(await code("pack", absent), "object-missing");
    assert.equal(await code("blob", absent), "blob-missing");
    assert.equal(await code("snapshot", absent), "snapshot-missing");
    assert.equal(await code("tree", "latest:/nothing"), "path-missing");
  });

  test("isBinary is true for what is not text", () => {
    assert.deepEqual(catKinds.filter(isBinary), ["pack", "blob", "tree"]);
  });
});
