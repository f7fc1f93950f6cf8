import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { InMemoryStorage } from "../../../../repo-format/storage/in-memory.ts";

describe("InMemoryStorage", () => {
  it("answers in a later turn, as every real store does", async () => {
    const storage = new InMemoryStorage();
    let isDone = false;
    const put = storage.put("config", Buffer.from("x")).then(() => {
      isDone = true;
    });
    assert.equal(isDone, false);
    await put;
    assert.equal(isDone, true);
  });

  it("two of them share nothing", async () => {
    await new InMemoryStorage().put("config", Buffer.from("x"));
    await assert.rejects(new InMemoryStorage().get("config"), { code: "object-missing" });
  });
});
