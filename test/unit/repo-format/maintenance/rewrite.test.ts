import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import type { BlobId } from "../../../../repo-format/format/id.ts";
import { emptyNode } from "../../../../repo-format/format/node.ts";
import type { Snapshot } from "../../../../repo-format/format/snapshot-file.ts";
import { encodeTree } from "../../../../repo-format/format/tree.ts";
import { ls } from "../../../../repo-format/inspect/ls.ts";
import {
  type RewriteOptions,
  type RewrittenSnapshot,
  rewriteSnapshots,
} from "../../../../repo-format/maintenance/rewrite.ts";
import type { Repository } from "../../../../repo-format/repository/repository.ts";
import {
  collect,
  createTestRepository,
  storeBlobs,
  storedKeys,
  storeSnapshot,
} from "../../../support/memory-repository.ts";
import { directoryNode, fileNode, storeSampleTree } from "../../../support/sample-trees.ts";

const lockTimings = { settleMs: 0 };

async function sample(): Promise<Repository> {
  const repo = await createTestRepository();
  await storeSnapshot(repo, await storeSampleTree(repo), { tags: ["a"] });
  return repo;
}

function rewrite(repo: Repository, options: RewriteOptions): Promise<RewrittenSnapshot[]> {
  return rewriteSnapshots(repo, { lockTimings, ...options });
}

/** The one snapshot that came about. */
async function rewritten(repo: Repository, options: RewriteOptions): Promise<Snapshot> {
  const [one, ...others] = await rewrite(repo, options);
  assert.equal(others.length, 0);
  return await repo.loadSnapshot(one?.newId ?? assert.fail("nothing was rewritten"));
}

async function paths(repo: Repository, { tree }: Pick<Snapshot, "tree">): Promise<string[]> {
  return (await collect(ls(repo, tree))).map(({ path }) => path.toString("latin1"));
}

describe("rewriteSnapshots", () => {
  test("what is excluded is gone, directories stay even when they are empty, and the counts are those of the rest", async () => {
    const repo = await sample();
    const [{ id: oldId, snapshot: old } = assert.fail()] = await collect(repo.snapshots());
    const leftOut: string[] = [];
    const options = { excludes: ["leaf", "/home"], insensitiveExcludes: ["LINK-*"] };
    const changed = await rewritten(repo, { ...options, onLeftOut: (path) => leftOut.push(path.toString()) });
    assert.deepEqual(await paths(repo, changed), ["/etc", "/etc/deep", "/etc/long", "/symlink"]);
    assert.deepEqual(leftOut.sort(), ["/etc/deep/leaf", "/home", "/link-1", "/link-2"]);
    assert.deepEqual([changed.tags, changed.original, changed.time], [["a", "rewrite"], oldId, old.time]);
    assert.deepEqual([changed.summary?.totalFilesProcessed, changed.summary?.totalBytesProcessed], [1, 75_010]);
    assert.equal((await collect(repo.snapshots())).length, 2);
  });

  test("of what is included all is kept, directories on the way to it, and empty ones only when they are named", async () => {
    const repo = await createTestRepository();
    const [empty = "" as BlobId] = await storeBlobs(repo, "tree", [encodeTree([])]);
    const [inner = "" as BlobId] = await storeBlobs(repo, "tree", [encodeTree([fileNode("f", []), fileNode("g", [])])]);
    const nodes = [directoryNode("a", inner), directoryNode("b", empty), directoryNode("c", empty), fileNode("d", [])];
    const [root = "" as BlobId] = await storeBlobs(repo, "tree", [encodeTree(nodes)]);
    await storeSnapshot(repo, root);
    assert.deepEqual(await paths(repo, await rewritten(repo, { includes: ["f"] })), ["/a", "/a/f"]);
    const options = { includes: ["/c"], insensitiveIncludes: ["G"], ids: [], tags: [[]] };
    assert.deepEqual(await paths(repo, await rewritten(repo, options)), ["/a", "/a/g", "/c"]);
    assert.deepEqual(await rewrite(repo, { includes: ["nothing"] }), []);
  });

  test("--forget puts the new snapshot in the old one's place, without a tag", async () => {
    const repo = await sample();
    const [{ id: oldId } = assert.fail()] = await collect(repo.snapshots());
    const changed = await rewritten(repo, { newHost: "other", newTime: "2020-01-01T00:00:00+01:00", forget: true });
    assert.deepEqual([changed.hostname, changed.time, changed.tags], ["other", "2020-01-01T00:00:00+01:00", ["a"]]);
    assert.equal(changed.original, oldId);
    assert.equal(changed.summary, undefined);
    assert.equal((await collect(repo.snapshots())).length, 1);
  });

  test("a snapshot of which nothing changes is left alone, once it has its counts", async () => {
    const repo = await sample();
    const counted = await rewritten(repo, { snapshotSummary: true, forget: true });
    assert.deepEqual([counted.summary?.totalFilesProcessed, counted.summary?.dataAdded], [5, 0]);
    const before = await storedKeys(repo.storage);
    assert.deepEqual(await rewrite(repo, { snapshotSummary: true, excludes: ["nothing"] }), []);
    assert.deepEqual(await storedKeys(repo.storage), before);
  });

  test("a dry run says what would change and writes nothing", async () => {
    const repo = await sample();
    const before = await storedKeys(repo.storage);
    const changes = await rewrite(repo, { excludes: ["leaf"], forget: true, dryRun: true });
    assert.deepEqual([changes.length, changes[0]?.newId], [1, undefined]);
    assert.deepEqual(await storedKeys(repo.storage), before);
  });

  test("a tree with what would be lost is refused when it changes, and taken over when it does not", async () => {
    const repo = await createTestRepository();
    const plain = encodeTree([fileNode("f", []), fileNode("g", [])]).toString();
    const foreign = Buffer.from(plain.replace('"name"', '"colour":"red","name"'));
    const [inner = "" as BlobId] = await storeBlobs(repo, "tree", [foreign]);
    const nodes = [directoryNode("d", inner), fileNode("h", [])];
    const [root = "" as BlobId] = await storeBlobs(repo, "tree", [encodeTree(nodes)]);
    const id = await storeSnapshot(repo, root);
    await assert.rejects(rewrite(repo, { excludes: ["g"] }), (error) => {
      assert.ok(RepositoryError.is(error, "tree-malformed"));
      assert.match(
        error.message,
        new RegExp(`snapshot ${id} cannot be rewritten: the directory "/d" holds what would be`),
      );
      return true;
    });
    assert.equal((await collect(repo.snapshots())).length, 1);
    assert.deepEqual(await paths(repo, await rewritten(repo, { excludes: ["h"] })), ["/d", "/d/f", "/d/g"]);
  });

  test("a directory of many hundred entries loses only what is excluded, wherever that stands", async () => {
    const repo = await createTestRepository();
    const [inner = "" as BlobId] = await storeBlobs(repo, "tree", [encodeTree([fileNode("x", [])])]);
    const names = Array.from({ length: 300 }, (_, number) => `n${String(number).padStart(4, "0")}`);
    const nodes = names.map((name, number) => (number % 3 === 0 ? directoryNode(name, inner) : fileNode(name, [])));
    const [root = "" as BlobId] = await storeBlobs(repo, "tree", [encodeTree(nodes)]);
    await storeSnapshot(repo, root);
    const changed = await rewritten(repo, { excludes: ["n0170", "n0299", "/n0210/x"] });
    const left = nodes.filter(({ name }) => !["n0170", "n0299"].includes(name.toString()));
    const listed = (await paths(repo, changed)).filter((path) => !path.endsWith("/x"));
    assert.deepEqual(
      listed,
      left.map(({ name }) => `/${name.toString()}`),
    );
    assert.equal((await paths(repo, changed)).length, left.length + 99);
  });

  test("patterns that are all empty change nothing, and keep even new metadata from what they would keep nothing of", async () => {
    const repo = await sample();
    for (const options of [{}, { excludes: [""] }, { includes: [""] }, { includes: ["", ""], newHost: "other" }])
      assert.deepEqual(await rewrite(repo, options), [], JSON.stringify(options));
  });

  test("contradictions, patterns that are none and broken directories are errors", async () => {
    const repo = await sample();
    for (const [options, code] of [
      [{ excludes: ["a"], includes: ["b"] }, "argument-invalid"],
      [{ excludes: ["[a"] }, "pattern-malformed"],
      [{ excludes: ["a"], lock: false }, "argument-invalid"],
    ] as const)
      await assert.rejects(rewrite(repo, options), (error) => RepositoryError.is(error, code), JSON.stringify(options));
    const [root = "" as BlobId] = await storeBlobs(repo, "tree", [encodeTree([emptyNode(Buffer.from("d"), "dir")])]);
    const id = await storeSnapshot(repo, root);
    await assert.rejects(rewrite(repo, { ids: [id], excludes: ["a"] }), /"\/d" has no subtree/);
  });
});
