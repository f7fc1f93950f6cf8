// Random sequences of what writers, prunes of all kinds and crashes do to a small repository, held against its model.
import fc from "fast-check";
import type { PruneOptions } from "../../repo-format/maintenance/prune.ts";
import { type Crash, PruneWorld, worldBlobCount } from "./prune-world.ts";

type Step = (world: PruneWorld) => Promise<unknown>;

const blobs = fc.array(fc.nat(worldBlobCount - 1), { minLength: 1, maxLength: 4 });
const writer = fc.nat(2);
const crash: fc.Arbitrary<Crash | undefined> = fc.option(fc.record({ at: fc.nat(14), isDone: fc.boolean() }), {
  nil: undefined,
});
const pruneOptions: fc.Arbitrary<PruneOptions> = fc.constantFrom<PruneOptions>(
  { maxUnusedBytes: () => 0 },
  { maxUnusedBytes: () => Number.POSITIVE_INFINITY },
  { maxUnusedBytes: () => 0, maxRepackBytes: 600 },
);

/** Shown when a run fails. */
function named(name: string, step: Step): Step {
  return Object.assign(step, { [fc.toStringMethod]: () => name });
}

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: writer.map((n) => named(`begin ${n}`, (world) => world.begin(n))) },
  {
    weight: 2,
    arbitrary: fc.tuple(writer, blobs).map(([n, b]) => named(`save ${n}: ${b}`, (world) => world.save(n, b))),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(writer, blobs).map(([n, b]) => named(`finish ${n}: ${b}`, (world) => world.finish(n, b))),
  },
  { weight: 1, arbitrary: writer.map((n) => named(`die ${n}`, (world) => world.die(n))) },
  { weight: 1, arbitrary: blobs.map((b) => named(`duplicate ${b}`, (world) => world.duplicate(b))) },
  { weight: 1, arbitrary: blobs.map((b) => named(`stray ${b}`, (world) => world.stray(b))) },
  { weight: 3, arbitrary: fc.nat(9).map((n) => named(`forget ${n}`, (world) => world.forget(n))) },
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.constantFrom(1, 24), pruneOptions, crash)
      .map(([hours, options, at]) =>
        named(`two-phase after ${hours} h, ${JSON.stringify(at)}`, (world) => world.twoPhase(hours, options, at)),
      ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(pruneOptions, crash)
      .map(([options, at]) => named(`exclusive, ${JSON.stringify(at)}`, (world) => world.exclusive(options, at))),
  },
  { weight: 2, arbitrary: fc.nat(99).map((seed) => named(`foreign ${seed}`, (world) => world.foreign(seed))) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(1, 24), pruneOptions, fc.nat(99))
      .map(([hours, options, seed]) =>
        named(`two at once after ${hours} h, ${seed}`, (world) => world.twoPhaseTwice(hours, options, seed)),
      ),
  },
);

/** One snapshot, some of which is garbage soon, so that prunes have work from the beginning. */
async function beginning(): Promise<PruneWorld> {
  const world = await PruneWorld.create();
  for (const content of [
    [0, 1, 2],
    [1, 3, 4],
    [4, 5, 6],
  ]) {
    await world.begin(0);
    await world.finish(0, content);
  }
  await world.forget(0);
  return world;
}

/** Whatever happens in turn, every snapshot stays whole, and garbage goes in the end. */
export async function assertPrunesKeepSnapshots(numRuns: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 3, maxLength: 18 }), async (sequence) => {
      const world = await beginning();
      for (const step of sequence) {
        await step(world);
        await world.assertWhole();
      }
      await world.assertGarbageGoes();
    }),
    { numRuns },
  );
}
