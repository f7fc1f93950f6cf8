import assert from "node:assert/strict";
import { test } from "node:test";
import type { BlobId, PackId } from "../../../../repo-format/format/id.ts";
import { packRanges } from "../../../../repo-format/restorer/pack-ranges.ts";
import { fileAction, RestorePlan } from "../../../../repo-format/restorer/restore-plan.ts";

const limits = { maxGapBytes: 100, maxRangeBytes: 1000 };

/** One file for each list of blobs, each blob as [pack, offset, length]. */
function planOf(
  ...files: readonly (readonly (readonly [pack: number, offset: number, length: number])[])[]
): RestorePlan {
  const plan = new RestorePlan();
  for (const [number, blobs] of files.entries()) {
    plan.addFile(0, `file ${number}`, 0, fileAction.create);
    for (const [pack, offset, length] of blobs) {
      const id = (offset + 1).toString(16).padStart(64, "0") as BlobId;
      const packId = pack.toString(16).padStart(64, "0") as PackId;
      plan.addPart(id, { packId, offset, length, uncompressedLength: 0 }, 0);
    }
  }
  return plan;
}

function rangesOf(plan: RestorePlan): string[] {
  return [...packRanges(plan, limits)].map(
    ({ packId, offset, length, parts }) => `${Number.parseInt(packId, 16)}: ${offset}+${length} [${[...parts]}]`,
  );
}

test("neighbouring blobs are fetched in one request, those apart in two", () => {
  assert.deepEqual(
    rangesOf(
      planOf([
        [1, 0, 50],
        [1, 50, 50],
        [1, 200, 50],
        [1, 351, 50],
      ]),
    ),
    ["1: 0+250 [0,1,2]", "1: 351+50 [3]"],
  );
});

test("a request is not longer than the limit, unless a single blob is", () => {
  assert.deepEqual(
    rangesOf(
      planOf([
        [1, 0, 600],
        [1, 600, 400],
        [1, 1000, 1],
        [1, 1001, 5000],
        [1, 6001, 5],
      ]),
    ),
    ["1: 0+1000 [0,1]", "1: 1000+1 [2]", "1: 1001+5000 [3]", "1: 6001+5 [4]"],
  );
});

test("packs come in the order of their first use, blobs in the order of the pack", () => {
  assert.deepEqual(
    rangesOf(
      planOf(
        [
          [2, 100, 50],
          [1, 0, 50],
        ],
        [
          [2, 0, 50],
          [3, 0, 10],
        ],
      ),
    ),
    ["2: 0+150 [2,0]", "1: 0+50 [1]", "3: 0+10 [3]"],
  );
});

test("a blob that several files share is fetched once", () => {
  assert.deepEqual(
    rangesOf(
      planOf(
        [
          [1, 0, 50],
          [1, 0, 50],
        ],
        [
          [1, 0, 50],
          [1, 50, 10],
        ],
      ),
    ),
    ["1: 0+60 [0,1,2,3]"],
  );
});

test("what is there already and what belongs to failed files is not fetched", () => {
  const plan = planOf(
    [[1, 0, 50]],
    [[1, 50, 50]],
    [
      [1, 100, 50],
      [2, 0, 5],
    ],
  );
  plan.markPresent(0);
  plan.files.action.set(1, fileAction.failed);
  assert.deepEqual(rangesOf(plan), ["1: 100+50 [2]", "2: 0+5 [3]"]);
});

test("a file that fails while the requests are under way is left out of the packs that follow", () => {
  const plan = planOf(
    [
      [1, 0, 50],
      [2, 0, 50],
    ],
    [[2, 50, 50]],
  );
  const ranges = packRanges(plan, limits);
  ranges.next();
  plan.files.action.set(0, fileAction.failed);
  assert.deepEqual(
    [...ranges].map(({ parts }) => [...parts]),
    [[2]],
  );
});

test("no parts, no requests", () => {
  assert.deepEqual(rangesOf(planOf([], [])), []);
});

test("the requests of a pack are about equally long, and none is above the limit", () => {
  const blobs = Array.from({ length: 27 }, (_, number) => [1, number * 100, 100] as const);
  const lengths = [...packRanges(planOf(blobs), limits)].map(({ length }) => length);
  assert.deepEqual(lengths, [900, 900, 900]);
});
