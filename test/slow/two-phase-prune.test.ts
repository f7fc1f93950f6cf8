// Thousands of sequences of what can happen around a two-phase prune; test/property has a few dozen in every run.
import { test } from "node:test";
import { assertPrunesKeepSnapshots } from "../support/prune-steps.ts";

test("two-phase prune: in five thousand sequences every snapshot stays whole, and garbage goes", () =>
  assertPrunesKeepSnapshots(5000));
