// The long form of test/faults/killed-processes.test.ts.
import { test } from "node:test";
import { killBackups, killPrunes, killRestores } from "../support/killed-runs.ts";

const seed = Number(process.hrtime.bigint() % 1_000_000n);

test(`25 backups are killed at all moments (seed ${seed})`, (t) => killBackups(t, { kills: 25, mebibytes: 300, seed }));

test(`25 restores are killed at all moments (seed ${seed})`, (t) =>
  killRestores(t, { kills: 25, mebibytes: 300, seed }));

test(`25 prunes are killed at all moments (seed ${seed})`, (t) => killPrunes(t, { kills: 25, mebibytes: 60, seed }));
