// A thousand random trees through our engine and stock restic, both ways: `npm run test:slow random-trees`.
import { describe, it } from "node:test";
import { roundTrip } from "../support/interop-round-trip.ts";

const firstSeed = Number(process.env.STOWAGE_SEED ?? Math.floor(Math.random() * 1e9));
const trees = Number(process.env.STOWAGE_TREES ?? 1000);

describe(`${trees} random trees, seeds from ${firstSeed} on (STOWAGE_SEED repeats them)`, { concurrency: 3 }, () => {
  for (let tree = 0; tree < trees; tree++) {
    it(`tree ${tree} survives both programs`, () =>
      roundTrip({ seed: firstSeed + tree, version: tree % 4 === 3 ? 1 : 2 }));
  }
});
