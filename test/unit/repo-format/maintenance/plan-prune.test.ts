// Each rule of the planner on packs small enough to check by hand: sizes in MiB, blobs named by letters.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import type { PackId } from "../../../../repo-format/format/id.ts";
import type { CopyList } from "../../../../repo-format/maintenance/pack-statistics.ts";
import { planPrune } from "../../../../repo-format/maintenance/plan-prune.ts";
import type { PlanPruneOptions, PrunePlan } from "../../../../repo-format/maintenance/prune-plan.ts";

const mebibyte = 1024 * 1024;
const headerBytes = (plain: number, compressed = 0): number => 36 + plain * 37 + compressed * 41;

/** `blobs`: a letter each; upper case = tree, followed by "-" = stored uncompressed. */
interface PackSketch {
  readonly blobs: string;
  readonly mebibytes?: number;
  readonly stored?: "missing" | "truncated";
}

const defaults: PlanPruneOptions = {
  version: 2,
  maxUnusedBytes: () => 0,
  maxRepackBytes: Number.POSITIVE_INFINITY,
  smallPackBytes: 0,
  repackCacheableOnly: false,
  repackUncompressed: false,
};

const packId = (number: number): PackId => `pack-${number}` as PackId;
const isTree = (letter: string): boolean => letter !== letter.toLowerCase();

function sketchIndex(packs: readonly PackSketch[]): { copies: CopyList; sizes: Float64Array; names: string[] } {
  const names: string[] = [];
  const sizes = new Float64Array(packs.length);
  const copies = packs.flatMap(({ blobs, mebibytes = 16, stored }, packNumber) => {
    const found = [...blobs.matchAll(/(\w)(-?)/g)].map(([, letter = "", plain]) => ({ letter, plain: plain === "-" }));
    const length = Math.floor((mebibytes * mebibyte) / Math.max(found.length, 1));
    const plainCount = found.filter(({ plain }) => plain).length;
    sizes[packNumber] = length * found.length + headerBytes(plainCount, found.length - plainCount);
    if (stored === "missing") sizes[packNumber] = -1;
    if (stored === "truncated") sizes[packNumber] = 1000;
    return found.map(({ letter, plain }) => {
      if (!names.includes(letter)) names.push(letter);
      return {
        blobNumber: names.indexOf(letter),
        packNumber,
        isTree: isTree(letter),
        length,
        uncompressedLength: plain ? 0 : length * 2,
      };
    });
  });
  const list: CopyList = {
    blobNumberLimit: names.length,
    packNumberLimit: packs.length,
    forEachCopy: (visit) => copies.forEach(visit),
  };
  return { copies: list, sizes, names };
}

function plan(
  packs: readonly PackSketch[],
  used: string,
  options: Partial<PlanPruneOptions> = {},
  unindexed: { id: PackId; sizeBytes: number }[] = [],
): PrunePlan & { kept: string } {
  const { copies, sizes, names } = sketchIndex(packs);
  const result = planPrune(
    copies,
    (number) => used.includes(names[number] ?? "?"),
    { packIdAt: packId, sizes, unindexed },
    { ...defaults, ...options },
  );
  return { ...result, kept: names.filter((_, number) => result.keepBlobs[number] === 1).join("") };
}

const numbers = (ids: readonly PackId[]): number[] => ids.map((id) => Number(id.slice(5)));

describe("planPrune", () => {
  test("planPrune deletes unused packs, repacks partly used ones and keeps full ones", () => {
    const result = plan([{ blobs: "ab" }, { blobs: "cd" }, { blobs: "ef" }], "abc");
    assert.deepEqual(numbers(result.remove), [2]);
    assert.deepEqual(numbers(result.repack), [1]);
    assert.equal(result.kept, "c");
    assert.deepEqual(result.stats.blobs, { used: 3, duplicate: 0, unused: 3, remove: 2, repack: 2, repackRemove: 1 });
    assert.deepEqual(result.stats.packs, {
      used: 1,
      unused: 1,
      partlyUsed: 1,
      unreferenced: 0,
      keep: 1,
      repack: 1,
      remove: 1,
    });
  });

  test("planPrune deletes packs that no index knows first, and packs that the index knows without blobs with them", () => {
    const result = plan([{ blobs: "a" }, { blobs: "" }], "a", {}, [{ id: packId(9), sizeBytes: 500 }]);
    assert.deepEqual(numbers(result.removeFirst), [9, 1]);
    assert.equal(result.stats.bytes.unreferenced, 500 + headerBytes(0));
  });

  test("planPrune stops when a needed pack is missing or has another size", () => {
    for (const [stored, code] of [
      ["missing", "pack-missing"],
      ["truncated", "pack-damaged"],
    ] as const) {
      assert.throws(
        () => plan([{ blobs: "ab", stored }], "a"),
        (error) => RepositoryError.is(error, code),
      );
    }
  });

  test("planPrune forgets missing packs and deletes damaged ones that nobody needs", () => {
    const result = plan([{ blobs: "a", stored: "missing" }, { blobs: "b", stored: "truncated" }, { blobs: "c" }], "c");
    assert.deepEqual(numbers(result.forget), [0]);
    assert.deepEqual(numbers(result.remove), [1]);
    assert.equal(result.stats.blobs.remove, 2);
  });

  test("planPrune keeps one copy of a duplicate: that in a pack with other used blobs", () => {
    const result = plan([{ blobs: "ax" }, { blobs: "ab" }], "ab");
    assert.deepEqual(numbers(result.remove), [0], "the copy beside the unused x goes");
    assert.deepEqual(numbers(result.repack), []);
    assert.equal(result.stats.blobs.duplicate, 1);
  });

  test("planPrune keeps a pack of nothing but duplicates, which an interrupted prune left behind", () => {
    const result = plan([{ blobs: "ab" }, { blobs: "axby" }], "ab");
    assert.deepEqual(numbers(result.remove), [1]);
    assert.equal(result.kept, "");
  });

  test("planPrune keeps the last copy when no pack is better than another", () => {
    const result = plan([{ blobs: "ax" }, { blobs: "ay" }, { blobs: "az" }], "a");
    assert.deepEqual(numbers(result.remove), [0, 1]);
    assert.deepEqual(numbers(result.repack), [2]);
    assert.equal(result.kept, "a");
  });

  test("planPrune survives more copies of a blob than it counts", () => {
    const packs = Array.from({ length: 300 }, () => ({ blobs: "ax" }));
    const result = plan(packs, "a");
    assert.equal(result.remove.length, 299);
    assert.equal(result.repack.length, 1);
    assert.equal(result.kept, "a");
  });

  test("planPrune splits packs that hold trees and data, however little is unused", () => {
    const result = plan([{ blobs: "aT" }, { blobs: "b" }], "abT", { maxUnusedBytes: () => Number.POSITIVE_INFINITY });
    assert.deepEqual(numbers(result.repack), [0]);
    assert.equal(result.kept, "aT");
  });

  test("planPrune repacks uncompressed trees in version 2 and uncompressed data on request", () => {
    const packs = [{ blobs: "T-" }, { blobs: "a-" }];
    assert.deepEqual(numbers(plan(packs, "Ta").repack), [0]);
    assert.deepEqual(numbers(plan(packs, "Ta", { repackUncompressed: true }).repack), [0, 1]);
    assert.deepEqual(numbers(plan(packs, "Ta", { version: 1 }).repack), []);
    assert.equal(plan(packs, "Ta", { version: 1 }).stats.bytes.uncompressed, 0);
    assert.ok(plan(packs, "Ta").stats.bytes.uncompressed > 16 * mebibyte, "the data pack is still uncompressed");
  });

  test("planPrune tolerates unused data up to the limit, worst packs first", () => {
    const packs = [{ blobs: "abcx" }, { blobs: "dxyz" }, { blobs: "ef" }];
    const tolerant = plan(packs, "abcdef", { maxUnusedBytes: () => 5 * mebibyte });
    assert.deepEqual(numbers(tolerant.repack), [1]);
    assert.deepEqual(numbers(plan(packs, "abcdef").repack), [1, 0]);
  });

  test("planPrune repacks no more bytes than allowed", () => {
    const packs = [{ blobs: "ax" }, { blobs: "bx" }, { blobs: "cx" }];
    assert.equal(plan(packs, "abc", { maxRepackBytes: 0 }).repack.length, 0);
    assert.equal(plan(packs, "abc", { maxRepackBytes: 33 * mebibyte }).repack.length, 2);
  });

  test("planPrune merges small packs only when there are ten of them", () => {
    const small = (count: number): PackSketch[] =>
      Array.from({ length: count }, (_, index) => ({ blobs: String.fromCharCode(97 + index), mebibytes: 1 }));
    assert.equal(plan(small(9), "abcdefghijkl").repack.length, 0);
    assert.equal(plan(small(9), "abcdefghijkl").stats.packs.keep, 9);
    assert.equal(plan(small(10), "abcdefghijkl").repack.length, 10);
  });

  test("planPrune takes the limit of small packs from the options when it is given", () => {
    const packs = Array.from({ length: 10 }, (_, index) => ({ blobs: String.fromCharCode(97 + index), mebibytes: 8 }));
    assert.equal(plan(packs, "abcdefghij").repack.length, 0);
    assert.equal(plan(packs, "abcdefghij", { smallPackBytes: 10 * mebibyte }).repack.length, 10);
  });

  test("planPrune spares data packs with repackCacheableOnly unless nothing in them is used", () => {
    const result = plan([{ blobs: "ax" }, { blobs: "TU" }, { blobs: "y" }], "aT", { repackCacheableOnly: true });
    assert.deepEqual(numbers(result.repack), [1]);
    assert.deepEqual(numbers(result.remove), [2]);
  });

  test("planPrune of an empty index plans nothing", () => {
    const result = plan([], "");
    assert.deepEqual([result.remove, result.repack, result.forget, result.removeFirst], [[], [], [], []]);
  });
});
