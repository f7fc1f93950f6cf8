// Fifty random trees of two hundred entries each go through our engine and stock restic, both ways.
import { after, before, describe, it } from "node:test";
import { roundTrip } from "../support/interop-round-trip.ts";
import { testPassword } from "../support/memory-repository.ts";
import { resticMust } from "../support/restic.ts";
import { makeTemporaryDirectory, removeDirectory } from "../support/temporary-directory.ts";

const firstSeed = Number(process.env.STOWAGE_SEED ?? Math.floor(Math.random() * 1e9));

describe(`random trees, seeds from ${firstSeed} on (STOWAGE_SEED repeats them)`, { concurrency: 3 }, () => {
  for (let tree = 0; tree < 40; tree++) {
    const version = tree % 4 === 3 ? 1 : 2;
    it(`tree ${tree} survives both programs in a version ${version} repository of ours`, () =>
      roundTrip({ seed: firstSeed + tree, version }));
  }
});

describe("random trees in restic's own repositories", { concurrency: 3 }, () => {
  const folders = { 1: makeTemporaryDirectory("restic-v1"), 2: makeTemporaryDirectory("restic-v2") };
  before(async () => {
    for (const version of [1, 2] as const) {
      await resticMust(["init", "--repository-version", String(version)], {
        repository: folders[version],
        password: testPassword,
      });
    }
  });
  after(() => {
    for (const folder of Object.values(folders)) removeDirectory(folder);
  });
  for (let tree = 40; tree < 50; tree++) {
    const version = tree % 2 === 0 ? 1 : 2;
    it(`tree ${tree} survives both programs in a version ${version} repository of restic's`, () =>
      roundTrip({ seed: firstSeed + tree, version, resticRepository: folders[version] }));
  }
});
