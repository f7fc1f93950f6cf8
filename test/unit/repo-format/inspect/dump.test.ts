import assert from "node:assert/strict";
import { PassThrough, Writable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { before, describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import type { BlobId } from "../../../../repo-format/format/id.ts";
import { dumpFile } from "../../../../repo-format/inspect/dump.ts";
import type { Repository } from "../../../../repo-format/repository/repository.ts";
import { createTestRepository } from "../../../support/memory-repository.ts";
import { longFile, storeSampleTree } from "../../../support/sample-trees.ts";

describe("dumpFile", () => {
  let repo: Repository;
  let treeId: BlobId;

  before(async () => {
    repo = await createTestRepository();
    treeId = await storeSampleTree(repo);
  });

  test("dumpFile writes the blobs in order and leaves the stream open", async () => {
    const output = new PassThrough();
    const received = buffer(output);
    assert.equal(await dumpFile(repo, { treeId, path: "/etc/long" }, output), 75_010);
    output.end("after");
    assert.deepEqual(await received, Buffer.concat([...longFile, Buffer.from("after")]));
  });

  test("dumpFile waits for a slow reader", async () => {
    const parts: Buffer[] = [];
    const output = new Writable({
      highWaterMark: 1,
      write(chunk: Buffer, _encoding, done) {
        parts.push(chunk);
        void turn().then(() => done());
      },
    });
    await dumpFile(repo, { treeId, path: "/etc/long" }, output);
    assert.deepEqual(Buffer.concat(parts), Buffer.concat(longFile));
  });

  test("dumpFile refuses directories and what is not there", async () => {
    for (const path of ["/etc", "/symlink", "/nothing"]) {
      await assert.rejects(dumpFile(repo, { treeId, path }, new PassThrough()), (error) =>
        RepositoryError.is(error, "path-missing"),
      );
    }
  });

  test("dumpFile ends with the error of the stream, and with the signal", async () => {
    const broken = new Writable({ write: (_chunk, _encoding, done) => done(new Error("disk gone")) });
    await assert.rejects(dumpFile(repo, { treeId, path: "/etc/long" }, broken), /disk gone/);
    const signal = AbortSignal.abort();
    await assert.rejects(dumpFile(repo, { treeId, path: "/etc/long" }, new PassThrough(), { signal }), (error) =>
      RepositoryError.is(error, "cancelled"),
    );
  });
});
