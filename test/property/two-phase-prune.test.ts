// A few dozen sequences in every run; test/slow has thousands.
import { test } from "node:test";
import { assertPrunesKeepSnapshots } from "../support/prune-steps.ts";

const runs = Number(process.env.STOWAGE_PROPERTY_RUNS ?? "60");

test("two-phase prune: every snapshot stays whole beside writers, other prunes and crashes, and garbage goes", () =>
  assertPrunesKeepSnapshots(runs));
