import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import type { BlobId } from "../../../../repo-format/format/id.ts";
import { emptyNode } from "../../../../repo-format/format/node.ts";
import { encodeTree } from "../../../../repo-format/format/tree.ts";
import { type LsOptions, ls } from "../../../../repo-format/inspect/ls.ts";
import type { Repository } from "../../../../repo-format/repository/repository.ts";
import { createTestRepository, storeBlobs } from "../../../support/memory-repository.ts";
import { directoryNode, fileNode, storeSampleTree } from "../../../support/sample-trees.ts";

describe("ls", () => {
  let repo: Repository;
  let root: BlobId;

  before(async () => {
    repo = await createTestRepository();
    root = await storeSampleTree(repo);
  });

  async function paths(options: LsOptions = {}, treeId: BlobId = root): Promise<string[]> {
    const listed: string[] = [];
    for await (const { path } of ls(repo, treeId, options)) listed.push(path.toString("latin1"));
    return listed;
  }

  test("ls without paths lists everything, directories before their children", async () => {
    const links = ["/link-1", "/link-2", "/symlink"];
    assert.deepEqual(await paths(), [
      "/etc",
      "/etc/deep",
      "/etc/deep/leaf",
      "/etc/long",
      "/home",
      "/home/raw\xff",
      ...links,
    ]);
  });

  test("ls of a directory lists it and its children, and with recursive all below it", async () => {
    assert.deepEqual(await paths({ dirs: ["/etc"] }), ["/etc", "/etc/deep", "/etc/long"]);
    assert.deepEqual(await paths({ dirs: ["/etc"], recursive: true }), [
      "/etc",
      "/etc/deep",
      "/etc/deep/leaf",
      "/etc/long",
    ]);
    assert.deepEqual(await paths({ dirs: ["/etc/deep/", "/link-1"] }), ["/etc/deep", "/etc/deep/leaf", "/link-1"]);
    assert.deepEqual(await paths({ dirs: ["/et"] }), []);
    assert.equal((await paths({ dirs: ["/"] })).length, 5);
  });

  test("ls refuses relative paths and ends with the signal", async () => {
    await assert.rejects(paths({ dirs: ["etc"] }), (error) => RepositoryError.is(error, "argument-invalid"));
    await assert.rejects(paths({ signal: AbortSignal.abort() }), (error) => RepositoryError.is(error, "cancelled"));
  });

  test("ls of a directory without subtree is an error that names the directory", async () => {
    const [id] = await storeBlobs(repo, "tree", [encodeTree([emptyNode(Buffer.from("broken"), "dir")])]);
    await assert.rejects(paths({}, id), /directory "\/broken" has no subtree/);
  });

  test("ls lists directories of many hundred entries in their order", async () => {
    const [inner = "" as BlobId] = await storeBlobs(repo, "tree", [encodeTree([fileNode("f", [])])]);
    const names = Array.from({ length: 300 }, (_, number) => `d${String(number).padStart(4, "0")}`);
    const [id] = await storeBlobs(repo, "tree", [encodeTree(names.map((name) => directoryNode(name, inner)))]);
    assert.deepEqual(
      await paths({}, id),
      names.flatMap((name) => [`/${name}`, `/${name}/f`]),
    );
  });
});
