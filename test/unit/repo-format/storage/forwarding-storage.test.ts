import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ForwardingStorage } from "../../../../repo-format/storage/forwarding-storage.ts";
import { InMemoryStorage } from "../../../../repo-format/storage/in-memory.ts";

describe("ForwardingStorage", () => {
  it("has every property of the store that it wraps", () => {
    const inner = new InMemoryStorage();
    const storage = new ForwardingStorage(inner);
    for (const name of ["location", "connections", "atomicReplace", "listsAtOnce", "clockOffsetMs"] as const) {
      assert.equal(storage[name], inner[name], name);
    }
  });
});
