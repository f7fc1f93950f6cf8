import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import type { BlobId } from "../../../../repo-format/format/id.ts";
import { findNode, findTree, joinPath, splitPath } from "../../../../repo-format/inspect/find-node.ts";
import type { Repository } from "../../../../repo-format/repository/repository.ts";
import { createTestRepository } from "../../../support/memory-repository.ts";
import { storeSampleTree } from "../../../support/sample-trees.ts";

const isMissing = (error: unknown): boolean => RepositoryError.is(error, "path-missing");

test("splitPath cleans a path as Go does and joinPath makes it absolute", () => {
  const cleaned = (path: string): string => joinPath(splitPath(path)).toString();
  assert.equal(cleaned("/a//b/./c/../d/"), "/a/b/d");
  assert.equal(cleaned(""), "/");
  assert.equal(cleaned("/../a"), "/a");
  const raw = Buffer.from([0x2f, 0xff, 0x2f, 0xfe]);
  assert.deepEqual(joinPath(splitPath(raw)), raw);
});

describe("findTree and findNode", () => {
  let repo: Repository;
  let root: BlobId;

  before(async () => {
    repo = await createTestRepository();
    root = await storeSampleTree(repo);
  });

  test("findTree follows a subfolder, with or without slashes around it", async () => {
    assert.equal(await findTree(repo, root, ""), root);
    assert.equal(await findTree(repo, root, "/"), root);
    const deep = await findTree(repo, root, "etc/deep/");
    assert.equal(await findTree(repo, root, "/etc/deep"), deep);
    assert.equal((await findNode(repo, deep, "leaf")).size, 5);
  });

  test("findNode finds names that are not UTF-8 by their bytes", async () => {
    const node = await findNode(repo, root, Buffer.concat([Buffer.from("/home/raw"), Buffer.from([0xff])]));
    assert.equal(node.inode, 4n);
  });

  test("findTree and findNode refuse what is not there, and files where directories are needed", async () => {
    await assert.rejects(findTree(repo, root, "/nothing"), isMissing);
    await assert.rejects(findTree(repo, root, "/etc/long"), /"\/etc\/long" is a file, not a directory/);
    await assert.rejects(findNode(repo, root, "/etc/long/below"), isMissing);
    await assert.rejects(findNode(repo, root, "/etc/nothing"), isMissing);
    await assert.rejects(findNode(repo, root, "/"), isMissing);
  });
});
