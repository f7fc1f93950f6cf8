import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { subtreesOf, type TreeSource, TreesAhead } from "../../../../repo-format/archiver/trees-ahead.ts";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import { type BlobId, idOf } from "../../../../repo-format/format/id.ts";
import { emptyNode, type Node } from "../../../../repo-format/format/node.ts";
import { encodeTree } from "../../../../repo-format/format/tree.ts";

/** Directories by name; a number is a leaf with so many entries. */
type Sketch = { readonly [name: string]: Sketch | number };

/** A repository that counts what is asked of it; what was prefetched costs nothing to load. */
class FakeTrees {
  readonly trees = new Map<BlobId, Buffer>();
  readonly requests: BlobId[][] = [];
  readonly cached = new Set<BlobId>();
  readonly source: TreeSource;
  fails = false;

  constructor() {
    this.source = {
      index: {
        lookup: ({ id }: { id: BlobId }) => {
          const length = this.trees.get(id)?.length;
          return length === undefined ? [] : [{ length: 1, uncompressedLength: length }];
        },
      },
      loadTree: async (id: BlobId) => {
        if (!this.cached.has(id)) this.#request([id]);
        const tree = this.trees.get(id);
        if (tree === undefined) throw new RepositoryError("blob-missing", "the tree is not there");
        return tree;
      },
      prefetchTrees: async (ids: Iterable<BlobId>) => this.#request([...ids]),
    } as unknown as TreeSource;
  }

  #request(ids: BlobId[]): void {
    if (this.fails) throw new RepositoryError("storage-unavailable", "no answer");
    this.requests.push(ids);
    for (const id of ids) this.cached.add(id);
  }

  store(sketch: Sketch | number, name = ""): BlobId {
    const nodes: Node[] = [emptyNode(Buffer.from(`!${name}`), "fifo")];
    if (typeof sketch === "number") {
      for (let count = 0; count < sketch; count++) nodes.push(emptyNode(Buffer.from(`f${1e6 + count}`), "fifo"));
    } else {
      for (const child of Object.keys(sketch).sort()) {
        const subtree = this.store(sketch[child]!, `${name}/${child}`);
        nodes.push({ ...emptyNode(Buffer.from(child), "dir"), subtree });
      }
    }
    const tree = encodeTree(nodes);
    const id = idOf<BlobId>(tree);
    this.trees.set(id, tree);
    return id;
  }
}

/** Takes every tree, depth first, as the walk does. */
async function walk(ahead: TreesAhead, id: BlobId): Promise<number> {
  let count = 1;
  for (const subtree of subtreesOf(await ahead.take(id))) count += await walk(ahead, subtree);
  await nextTurn();
  return count;
}

function wide(directories: number, depth: number): Sketch | number {
  if (depth === 0) return 0;
  return Object.fromEntries(
    Array.from({ length: directories }, (_, index) => [`d${index}`, wide(directories, depth - 1)]),
  );
}

test("subtrees are found without decoding, also behind names that look like their key", () => {
  const nodes = ['"subtree":"', "b", "c"].map((name) => ({
    ...emptyNode(Buffer.from(name), "dir" as const),
    subtree: idOf<BlobId>(Buffer.from(name)),
  }));
  assert.deepEqual(
    subtreesOf(encodeTree(nodes)),
    nodes.map((node) => node.subtree),
  );
  assert.deepEqual(subtreesOf(encodeTree([])), []);
});

test("a whole snapshot is read with few requests, each tree once", async () => {
  const fake = new FakeTrees();
  const root = fake.store(wide(6, 4));
  const count = await walk(new TreesAhead(fake.source, undefined), root);
  assert.equal(count, 1 + 6 + 36 + 216 + 1296);
  assert.equal(fake.requests.flat().length, count);
  assert.ok(fake.requests.length < 60, `${fake.requests.length} requests`);
});

test("what is ahead of the walk is bounded by bytes", async () => {
  const fake = new FakeTrees();
  const leaves = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`d${index}`, 1000 + index]));
  const root = fake.store(leaves);
  const ahead = new TreesAhead(fake.source, undefined);
  await ahead.take(root);
  for (let turn = 0; turn < 50; turn++) await nextTurn();
  const bytes = fake.requests.flat().reduce((sum, id) => sum + (fake.trees.get(id)?.length ?? 0), 0);
  assert.ok(bytes > 8e6 && bytes < 10e6, `${bytes} bytes were read ahead`);
});

test("a walk that goes elsewhere is followed", async () => {
  const fake = new FakeTrees();
  const root = fake.store(wide(3, 3));
  const other = fake.store({ elsewhere: wide(5, 2) }, "other");
  const ahead = new TreesAhead(fake.source, undefined);
  await ahead.take(root);
  assert.equal(await walk(ahead, other), 32);
  assert.ok(fake.requests.length < 15, `${fake.requests.length} requests`);
});

test("trees that are missing or cannot be foreseen are left to whoever takes them", async () => {
  const fake = new FakeTrees();
  const root = fake.store({ a: 1, b: 2 });
  const [first, second] = subtreesOf(fake.trees.get(root)!);
  fake.trees.delete(first!);
  const ahead = new TreesAhead(fake.source, undefined);
  await ahead.take(root);
  await nextTurn();
  await assert.rejects(ahead.take(first!), (error) => RepositoryError.is(error, "blob-missing"));
  assert.ok((await ahead.take(second!)).length > 0);
});

test("a store that fails fails the one who takes a tree, and nobody else", async () => {
  const fake = new FakeTrees();
  const root = fake.store({ a: 1, b: 2 });
  const ahead = new TreesAhead(fake.source, undefined);
  await fake.source.loadTree(root);
  fake.fails = true;
  await ahead.take(root);
  for (let turn = 0; turn < 5; turn++) await nextTurn();
  const [first] = subtreesOf(fake.trees.get(root)!);
  await assert.rejects(ahead.take(first!), (error) => RepositoryError.is(error, "storage-unavailable"));
});
