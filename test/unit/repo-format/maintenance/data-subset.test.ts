import assert from "node:assert/strict";
import { test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import type { PackId } from "../../../../repo-format/format/id.ts";
import { choosePacks, parseDataSubset, type SizedPack } from "../../../../repo-format/maintenance/data-subset.ts";
import { seededBytes } from "../../../support/memory-repository.ts";

const packs: SizedPack[] = Array.from({ length: 200 }, (_, number) => ({
  id: seededBytes(number, 32).toString("hex") as PackId,
  sizeBytes: 1000,
}));

test("parseDataSubset reads parts, percentages and sizes", () => {
  assert.deepEqual(parseDataSubset("2/5"), { kind: "part", part: 2, parts: 5 });
  assert.deepEqual(parseDataSubset("2.5%"), { kind: "percent", percent: 2.5 });
  assert.deepEqual(parseDataSubset("100%"), { kind: "percent", percent: 100 });
  assert.deepEqual(parseDataSubset("10M"), { kind: "bytes", bytes: 10 * 1024 ** 2 });
  for (const text of ["0/3", "4/3", "1/257", "0%", "101%", "-1%", "0", "x", "1/2/3"]) {
    assert.throws(
      () => parseDataSubset(text),
      (error) => RepositoryError.is(error, "argument-invalid"),
      text,
    );
  }
});

test("choosePacks by parts takes every pack in exactly one part", () => {
  const parts = [1, 2, 3, 4, 5, 6, 7].map((part) => choosePacks(packs, { kind: "part", part, parts: 7 }, Math.random));
  assert.deepEqual(new Set(parts.flat()), new Set(packs));
  assert.equal(parts.flat().length, packs.length);
  assert.ok(parts[2]?.every(({ id }) => Number.parseInt(id.slice(0, 2), 16) % 7 === 2));
});

test("choosePacks by percentage or size takes that share at random, at least one, each once", () => {
  const choose = (subset: Parameters<typeof choosePacks>[1]): number => {
    const chosen = choosePacks(packs, subset, Math.random);
    assert.equal(new Set(chosen).size, chosen.length);
    return chosen.length;
  };
  assert.equal(choose({ kind: "percent", percent: 10 }), 20);
  assert.equal(choose({ kind: "percent", percent: 0.001 }), 1);
  assert.equal(choose({ kind: "percent", percent: 100 }), 200);
  assert.equal(choose({ kind: "bytes", bytes: 50_000 }), 50);
  assert.equal(choose({ kind: "bytes", bytes: 10_000_000 }), 200);
  assert.equal(choose({ kind: "all" }), 200);
  const always = (value: number) => () => value;
  const low = choosePacks(packs, { kind: "percent", percent: 5 }, always(0));
  const high = choosePacks(packs, { kind: "percent", percent: 5 }, always(0.999));
  assert.notDeepEqual(low, high, "the choice depends on the random numbers");
  assert.deepEqual(choosePacks([], { kind: "percent", percent: 5 }, Math.random), []);
});
