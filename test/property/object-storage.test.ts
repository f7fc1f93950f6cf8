// Any sequence of calls leaves a directory and the memory store in the same state as a plain Map.
import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { RepositoryError } from "../../repo-format/errors.ts";
import { InMemoryStorage } from "../../repo-format/storage/in-memory.ts";
import { LocalDirectoryStorage } from "../../repo-format/storage/local-directory.ts";
import type { ObjectStorage } from "../../repo-format/storage/object-storage.ts";
import { compareKeys } from "../../repo-format/storage/object-storage.ts";
import { makeTemporaryDirectory, removeDirectory } from "../support/temporary-directory.ts";

type Step =
  | { readonly call: "put" | "putIfAbsent"; readonly key: string; readonly parts: readonly Uint8Array[] }
  | { readonly call: "get" | "delete"; readonly key: string }
  | { readonly call: "getRange"; readonly key: string; readonly offset: number; readonly length: number }
  | { readonly call: "list"; readonly prefix: string; readonly startAfter: string };

// Folders and files never share a name here: a directory cannot hold both, and no repository has such keys.
const folders = ["a", "a-", "a0", "\uff61", "\u{1f600}"];
const files = ["f", "f-1", "f0", "f\u{1f600}", "f\uff61"];
const key = fc
  .tuple(fc.array(fc.constantFrom(...folders), { maxLength: 2 }), fc.constantFrom(...files))
  .map(([path, file]) => [...path, file].join("/"));
const prefix = fc
  .array(fc.constantFrom(...folders), { maxLength: 2 })
  .map((path) => path.map((name) => `${name}/`).join(""));
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    call: fc.constantFrom("put" as const, "putIfAbsent" as const),
    key,
    parts: fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 4 }),
  }),
  fc.record({ call: fc.constantFrom("get" as const, "delete" as const), key }),
  fc.record({
    call: fc.constant("getRange" as const),
    key,
    offset: fc.integer({ min: -30, max: 30 }),
    length: fc.integer({ min: 0, max: 30 }),
  }),
  fc.record({ call: fc.constant("list" as const), prefix, startAfter: key }),
);

/** What the call answers: bytes, keys, or the code of its error. */
async function run(storage: ObjectStorage, step: Step): Promise<unknown> {
  try {
    switch (step.call) {
      case "put":
        return await storage.put(step.key, step.parts);
      case "putIfAbsent":
        return await storage.put(step.key, step.parts, { ifAbsent: true });
      case "get":
        return (await storage.get(step.key)).toString("hex");
      case "getRange":
        return (await storage.getRange(step.key, step.offset, step.length)).toString("hex");
      case "delete":
        return await storage.delete(step.key);
      case "list":
        return await Array.fromAsync(storage.list(step.prefix, { startAfter: step.startAfter }), (info) => info.key);
    }
  } catch (error) {
    if (RepositoryError.is(error)) return error.code;
    throw error;
  }
}

function expected(model: Map<string, Buffer>, step: Step): unknown {
  const held = step.call === "list" ? undefined : model.get(step.key);
  switch (step.call) {
    case "put":
      return void model.set(step.key, Buffer.concat(step.parts));
    case "putIfAbsent":
      return held === undefined ? void model.set(step.key, Buffer.concat(step.parts)) : "object-exists";
    case "get":
      return held?.toString("hex") ?? "object-missing";
    case "delete":
      return void model.delete(step.key);
    case "getRange": {
      if (held === undefined) return "object-missing";
      if (step.offset >= 0 && step.offset + step.length > held.length) return "range-invalid";
      const start = step.offset < 0 ? Math.max(0, held.length + step.offset) : step.offset;
      return held.subarray(start, start + step.length).toString("hex");
    }
    case "list": {
      const keys = [...model.keys()].filter((name) => name.startsWith(step.prefix));
      return keys.filter((name) => compareKeys(name, step.startAfter) > 0).sort(compareKeys);
    }
  }
}

it("every sequence of calls does to a directory and to memory what it does to a Map", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
      const folder = makeTemporaryDirectory("storage-model");
      try {
        for (const storage of [new InMemoryStorage(), new LocalDirectoryStorage(folder)]) {
          const model = new Map<string, Buffer>();
          for (const each of steps)
            assert.deepEqual(await run(storage, each), expected(model, each), JSON.stringify(each));
        }
      } finally {
        removeDirectory(folder);
      }
    }),
    { numRuns: 60 },
  );
});
