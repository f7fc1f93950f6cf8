// The repositories in restic's own tests, from 2015 on: every stored file in them is decoded, and every tree and snapshot
// comes out of our encoder with the same bytes.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { isIrreducible } from "../../repo-format/chunker/gf2-polynomial.ts";
import { RepositoryError } from "../../repo-format/errors.ts";
import { type BlobId, idFromBytes, idOf } from "../../repo-format/format/id.ts";
import { decodeIndexFile } from "../../repo-format/format/index-file.ts";
import { decodeSnapshot, encodeSnapshot } from "../../repo-format/format/snapshot-file.ts";
import { decodeTree, encodeTree } from "../../repo-format/format/tree.ts";
import { goModuleDir } from "../support/peers.ts";
import { fixturePassword } from "../support/restic-fixtures.ts";
import { readTarGz, StoredRepository } from "../support/stored-repository.ts";

interface Fixture {
  readonly archive: string;
  /** First digits of the repository's id. */
  readonly id: string;
  readonly snapshots: number;
  readonly trees: number;
  /** Blobs that all index files list. */
  readonly entries: number;
}

const fixtures: readonly Fixture[] = [
  { archive: "cmd/restic/testdata/small-repo", id: "76772da2", snapshots: 4, trees: 6, entries: 10 },
  { archive: "cmd/restic/testdata/repo-obsolete-index", id: "2e9ba45e", snapshots: 1, trees: 4, entries: 10 },
  { archive: "cmd/restic/testdata/repo-same-timestamps", id: "71ca3a60", snapshots: 3, trees: 2, entries: 2 },
  { archive: "cmd/restic/testdata/repo-index-missing", id: "04f16a6a", snapshots: 2, trees: 6, entries: 5 },
  { archive: "cmd/restic/testdata/repo-restore-permissions-test", id: "8d8370d2", snapshots: 1, trees: 2, entries: 5 },
  { archive: "cmd/restic/testdata/repo-index-missing-blob", id: "b270637f", snapshots: 1, trees: 8, entries: 4 },
  { archive: "cmd/restic/testdata/repo-unused-data-missing", id: "f4a3b499", snapshots: 1, trees: 4, entries: 15 },
  { archive: "cmd/restic/testdata/repo-data-missing", id: "f4a3b499", snapshots: 1, trees: 4, entries: 5 },
  { archive: "cmd/restic/testdata/repo-mixed", id: "0eb31790", snapshots: 1, trees: 4, entries: 5 },
  { archive: "cmd/restic/testdata/repo-duplicates", id: "9b908d25", snapshots: 1, trees: 8, entries: 10 },
  { archive: "internal/checker/testdata/checker-test-repo", id: "04ebc604", snapshots: 4, trees: 15, entries: 22 },
  { archive: "internal/repository/testdata/test-repo", id: "04ebc604", snapshots: 4, trees: 15, entries: 22 },
  { archive: "internal/backend/testdata/repo-layout-default", id: "6b6aa06f", snapshots: 3, trees: 3, entries: 6 },
  {
    archive: "internal/checker/testdata/duplicate-packs-in-index-test-repo",
    id: "6c9e1f85",
    snapshots: 0,
    trees: 0,
    entries: 325,
  },
];

function openFixture(archive: string): Promise<StoredRepository> {
  const module = goModuleDir("github.com/restic/restic", "v0.19.1");
  return StoredRepository.open(readTarGz(join(module, `${archive}.tar.gz`)), fixturePassword);
}

function indexEntries(json: Buffer): BlobId[] {
  const ids: BlobId[] = [];
  decodeIndexFile(json, { pack: () => {}, blob: (_type, id) => ids.push(idFromBytes<BlobId>(id)) });
  return ids;
}

for (const fixture of fixtures) {
  test(`${fixture.archive} is decoded whole and encoded again to the same bytes`, async () => {
    const repository = await openFixture(fixture.archive);
    assert.equal(repository.config.version, 1);
    assert.ok(repository.config.id.startsWith(fixture.id));
    assert.ok(isIrreducible(repository.config.chunkerPolynomial));

    for (const blob of repository.blobs()) assert.equal(idOf(blob.plain), blob.id);
    const trees = repository.trees();
    assert.equal(trees.size, fixture.trees);
    for (const [id, bytes] of trees) {
      const tree = decodeTree(bytes);
      assert.ok(encodeTree(tree.nodes).equals(bytes), `tree ${id}`);
      assert.deepEqual([tree.hasUnknownKeys, tree.hasUnquotedNames, tree.disorder], [false, false, undefined]);
    }

    const snapshots = repository.list("snapshots");
    assert.equal(snapshots.length, fixture.snapshots);
    for (const { id, bytes } of snapshots) {
      assert.equal(idOf(bytes), id);
      const json = repository.openFile(bytes);
      assert.equal(encodeSnapshot(decodeSnapshot(json)).toString(), json.toString().trimEnd());
    }

    const entries = repository.list("index").flatMap(({ bytes }) => indexEntries(repository.openFile(bytes)));
    assert.equal(entries.length, fixture.entries);
  });
}

test("the one tree that restic cannot encode again is read, and told apart by its bytes", async () => {
  const repository = await openFixture("cmd/restic/testdata/copy-unstable-json");
  const changed = [...repository.trees()].filter(([, bytes]) => !encodeTree(decodeTree(bytes).nodes).equals(bytes));
  assert.equal(changed.length, 1);
  assert.match(changed[0]?.[1].toString() ?? "", /"linktarget":"[^"]*\\ufffd/);
});

test("a pack with a wrong key fails loudly and harms nobody else", async () => {
  const repository = await openFixture("cmd/restic/testdata/repo-unreferenced-data");
  assert.equal(repository.list("data").length, 3);
  assert.throws(
    () => [...repository.blobs()],
    (error) => RepositoryError.is(error, "authentication-failed"),
  );
});

test("indexes from before there were packs in them are refused by name", async () => {
  const repository = await openFixture("cmd/restic/testdata/old-index-repo");
  assert.equal(repository.trees().size, 15);
  const files = repository.list("index");
  assert.equal(files.length, 4);
  for (const { bytes } of files) {
    assert.throws(
      () => indexEntries(repository.openFile(bytes)),
      (error) => RepositoryError.is(error, "index-malformed") && /before 2015/.test(error.message),
    );
  }
});
