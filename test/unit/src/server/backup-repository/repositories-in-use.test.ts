import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RepositoriesInUse } from "../../../../../src/server/backup-repository/repositories-in-use.ts";

describe("RepositoriesInUse", () => {
  it("lets one in at a time for each repository", async () => {
    const inUse = new RepositoriesInUse();
    const first = await inUse.use("a", async () => {
      assert.equal(await inUse.use("a", async () => 2), undefined);
      assert.deepEqual(await inUse.use("b", async () => 3), { result: 3 });
      return 1;
    });
    assert.deepEqual(first, { result: 1 });
    assert.deepEqual(await inUse.use("a", async () => 4), { result: 4 });
  });

  it("lets the next one in after a failure", async () => {
    const inUse = new RepositoriesInUse();
    await assert.rejects(inUse.use("a", () => Promise.reject(new Error("no"))));
    assert.deepEqual(await inUse.use("a", async () => 1), { result: 1 });
  });
});
