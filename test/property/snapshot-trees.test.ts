// Random snapshots against models: what `diff` tells is the difference of two listings, `rewrite` leaves the listing
// without what is excluded, `find` gives the matching part of it, and a copy lists the same.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compilePatterns } from "../../repo-format/file-tree/patterns.ts";
import { type BlobId, idOf } from "../../repo-format/format/id.ts";
import type { Node } from "../../repo-format/format/node.ts";
import { emptyNode } from "../../repo-format/format/node.ts";
import { encodeTree } from "../../repo-format/format/tree.ts";
import { diff } from "../../repo-format/inspect/diff.ts";
import { findNames } from "../../repo-format/inspect/find-names.ts";
import { ls } from "../../repo-format/inspect/ls.ts";
import { copySnapshots } from "../../repo-format/maintenance/copy.ts";
import { rewriteSnapshots } from "../../repo-format/maintenance/rewrite.ts";
import type { Repository } from "../../repo-format/repository/repository.ts";
import { createTestRepository, reopen, storeBlobs, storeSnapshot } from "../support/memory-repository.ts";
import { directoryNode, fileNode } from "../support/sample-trees.ts";

/** A directory by name: a file's content as a number, undefined for a FIFO, or a directory. */
type Sketch = { readonly [name: string]: Sketch | number | undefined };

const names = fc.constantFrom("a", "b", "c", "d.log", "E", "\xff");
const { sketch } = fc.letrec<{ sketch: Sketch; entry: Sketch | number | undefined }>((tie) => ({
  sketch: fc.dictionary(names, tie("entry"), { maxKeys: 5 }),
  entry: fc.oneof({ depthSize: "small" }, fc.nat(3), fc.constant(undefined), tie("sketch")),
}));

const content = (number: number): Buffer => Buffer.from(`content ${number}`);

async function store(repo: Repository, directory: Sketch): Promise<BlobId> {
  const nodes: Node[] = [];
  for (const [text, entry] of Object.entries(directory)) {
    const name = Buffer.from(text, "latin1");
    if (typeof entry === "object") nodes.push({ ...directoryNode("", await store(repo, entry)), name });
    else if (entry === undefined) nodes.push(emptyNode(name, "fifo"));
    else {
      const [blob = "" as BlobId] = await storeBlobs(repo, "data", [content(entry)]);
      nodes.push(fileNode(name, [blob], { size: content(entry).length }));
    }
  }
  nodes.sort((a, b) => Buffer.compare(a.name, b.name));
  const [id = "" as BlobId] = await storeBlobs(repo, "tree", [encodeTree(nodes)]);
  return id;
}

/** Path → what `diff` compares of an entry. */
async function listing(repo: Repository, tree: BlobId): Promise<Map<string, string>> {
  const entries = new Map<string, string>();
  for await (const { path, node } of ls(repo, tree))
    entries.set(path.toString("latin1"), `${node.type} ${node.content?.join() ?? ""}`);
  return entries;
}

/** Ids of all blobs below the tree, its own among them. */
async function blobsBelow(repo: Repository, tree: BlobId): Promise<Set<string>> {
  const blobs = new Set([`tree ${tree}`]);
  for await (const { node } of ls(repo, tree)) {
    if (node.subtree !== undefined) blobs.add(`tree ${node.subtree}`);
    for (const id of node.content ?? []) blobs.add(`data ${id}`);
  }
  return blobs;
}

test("a difference is that of the two listings, in order, and counts the blobs that only one side needs", async () => {
  await fc.assert(
    fc.asyncProperty(sketch, sketch, async (before, after) => {
      const repo = await createTestRepository();
      const [left, right] = [await store(repo, before), await store(repo, after)];
      const told: [string, string][] = [];
      const onChange = ({ path, modifier }: { path: Buffer; modifier: string }): void => {
        told.push([path.toString("latin1").replace(/\/$/, ""), modifier]);
      };
      const { added, removed } = await diff(repo, left, right, { onChange });
      const [old, fresh] = [await listing(repo, left), await listing(repo, right)];
      const expected = new Map<string, string>();
      for (const [path, what] of fresh) {
        const was = old.get(path);
        if (was === undefined) expected.set(path, "+");
        else if (was.split(" ")[0] !== what.split(" ")[0]) expected.set(path, "T");
        else if (was !== what) expected.set(path, "M");
      }
      for (const path of old.keys()) if (!fresh.has(path)) expected.set(path, "-");
      // What lies below an entry that changed its type is not told, as in restic.
      const isBelowOther = (path: string): boolean =>
        [...expected].some(([other, modifier]) => modifier === "T" && path.startsWith(`${other}/`));
      const visible = [...expected].filter(([path]) => !isBelowOther(path));
      const plain = told.map(([path, modifier]) => [path, modifier.replace("?", "")]);
      assert.deepEqual(new Map(plain as [string, string][]), new Map(visible));
      if (visible.some(([, modifier]) => modifier === "T")) return;
      const [needed, wanted] = [await blobsBelow(repo, left), await blobsBelow(repo, right)];
      assert.equal(added.dataBlobs + added.treeBlobs, [...wanted].filter((blob) => !needed.has(blob)).length);
      assert.equal(removed.dataBlobs + removed.treeBlobs, [...needed].filter((blob) => !wanted.has(blob)).length);
    }),
    { numRuns: 60 },
  );
});

const pattern = fc.constantFrom("a", "b/c", "/a", "/a/b", "*.log", "**/c", "/*/a", "[a-c]", "/d.log/**", "!a");

test("rewriting without a pattern leaves the listing without what it names, finding gives just that", async () => {
  await fc.assert(
    fc.asyncProperty(sketch, fc.array(pattern, { minLength: 1, maxLength: 3 }), async (directory, excludes) => {
      const repo = await createTestRepository();
      const tree = await store(repo, directory);
      const id = await storeSnapshot(repo, tree);
      const all = [...(await listing(repo, tree)).keys()];
      const { match } = compilePatterns(excludes);
      const isLeftOut = (path: string): boolean => {
        const names = path.split("/").slice(1);
        return names.some((_, end) => match(`/${names.slice(0, end + 1).join("/")}`).matched);
      };
      const [rewritten] = await rewriteSnapshots(repo, { excludes, lockTimings: { settleMs: 0 } });
      const newId = rewritten?.newId ?? assert.fail("the counts are new at least");
      const kept = [...(await listing(repo, (await repo.loadSnapshot(newId)).tree)).keys()];
      assert.deepEqual(
        kept,
        all.filter((path) => !isLeftOut(path)),
      );
      assert.equal((await repo.loadSnapshot(id)).tree, tree);
      const plain = compilePatterns(excludes.map((text) => text.replace("!", "")));
      const found = await Array.fromAsync(findNames(repo, tree, { patterns: excludes }));
      const paths = found.map(({ path }) => path.toString("latin1"));
      assert.deepEqual(
        paths,
        all.filter((path) => plain.match(path).matched),
      );
    }),
    { numRuns: 60 },
  );
});

test("a copy lists and reads the same, whatever the versions", async () => {
  const version = fc.constantFrom<1 | 2>(1, 2);
  await fc.assert(
    fc.asyncProperty(fc.array(sketch, { maxLength: 3 }), version, version, async (sketches, from, to) => {
      const source = await createTestRepository({ version: from });
      for (const directory of sketches) await storeSnapshot(source, await store(source, directory));
      const target = await createTestRepository({ version: to });
      await copySnapshots(source, target);
      const again = await reopen(target.storage);
      await again.refreshIndex();
      const trees = async (repo: Repository): Promise<string[]> =>
        (await Array.fromAsync(repo.snapshots())).map(({ snapshot }) => snapshot.tree).sort();
      assert.deepEqual(await trees(again), await trees(source));
      for (const tree of await trees(source)) {
        assert.deepEqual(await listing(again, tree as BlobId), await listing(source, tree as BlobId));
        for (const blob of await blobsBelow(source, tree as BlobId)) {
          const [type, id] = blob.split(" ") as ["tree" | "data", BlobId];
          assert.equal(idOf(await again.loadBlob({ type, id })), id);
        }
      }
    }),
    { numRuns: 30 },
  );
});
