import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import fc from "fast-check";
import type { BlobId } from "../../repo-format/format/id.ts";
import { withBlobUploader } from "../../repo-format/repository/blob-uploader.ts";
import type { Repository } from "../../repo-format/repository/repository.ts";
import { InMemoryStorage } from "../../repo-format/storage/in-memory.ts";
import { FaultyStorage, unavailable } from "../support/faulty-storage.ts";
import { createTestRepository, reopen, seededBytes } from "../support/memory-repository.ts";

/** Contents that several runs share, large enough to fill packs now and then. */
const contents: readonly Buffer[] = Array.from({ length: 8 }, (_, seed) =>
  seededBytes(seed, seed === 0 ? 4_500_000 : 900_000),
);

interface Run {
  /** Numbers of contents, in the order of adding. */
  readonly adds: readonly number[];
  /** Turns of the event loop before it begins. */
  readonly delay: number;
  readonly ending: "finish" | "throw" | "cancel";
}

const runArbitrary: fc.Arbitrary<Run> = fc.record({
  adds: fc.array(fc.nat(contents.length - 1), { maxLength: 6 }),
  delay: fc.nat(20),
  ending: fc.constantFrom("finish", "finish", "throw", "cancel"),
});

/** @returns the ids that the run was told are safe; undefined when it failed. */
async function upload(repo: Repository, run: Run): Promise<BlobId[] | undefined> {
  for (let turn = 0; turn < run.delay; turn++) await nextTurn();
  const controller = new AbortController();
  try {
    return await withBlobUploader(repo, { signal: controller.signal, tuning: { salvageMs: 500 } }, async (uploader) => {
      const ids: BlobId[] = [];
      for (const number of run.adds) {
        ids.push((await uploader.saveBlob("data", contents[number] as Buffer)).id);
        await nextTurn();
      }
      if (run.ending === "throw") throw new Error("the run's own error");
      if (run.ending === "cancel") controller.abort();
      return ids;
    });
  } catch {
    return undefined;
  }
}

/** Fails the n-th call of a method; 0 fails none. */
const faultArbitrary = fc.record({ put: fc.constantFrom(0, 0, 1, 2, 3, 5, 8), isAfter: fc.boolean() });

test("runs that share an upload: whatever fails or is cancelled, what one was told is stored can be read by another process", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(runArbitrary, { minLength: 1, maxLength: 5 }), faultArbitrary, async (runs, fault) => {
      const storage = new FaultyStorage(new InMemoryStorage());
      const repo = await createTestRepository({ storage, packSizeBytes: 4 * 1024 * 1024, extraVerify: false });
      let puts = 0;
      storage.plan = (call) => {
        if (call.method !== "put" || ++puts !== fault.put) return undefined;
        if (fault.isAfter) return "after";
        throw unavailable(call);
      };
      const results = await Promise.all(runs.map((run) => upload(repo, run)));
      storage.plan = () => undefined;
      const reader = await reopen(storage);
      await reader.refreshIndex();
      for (const ids of results) {
        for (const id of ids ?? []) await reader.loadBlob({ type: "data", id });
      }
      // What the writing process believes to be known is known to all.
      for (const { type, id } of repo.index.blobs()) await reader.loadBlob({ type, id });
      if (fault.put === 0) {
        for (const [place, run] of runs.entries()) assert.equal(results[place] !== undefined, run.ending === "finish");
      }
    }),
    { numRuns: 60 },
  );
});
