// A few kills in every run; test/slow has many.
import { test } from "node:test";
import { killBackups, killPrunes, killRestores } from "../support/killed-runs.ts";

const seed = Number(process.hrtime.bigint() % 1_000_000n);

test(`a backup that is killed leaves a sound repository, and the next one completes it (seed ${seed})`, (t) =>
  killBackups(t, { kills: 6, mebibytes: 40, seed }));

test(`a restore that is killed is completed by the next one (seed ${seed})`, (t) =>
  killRestores(t, { kills: 2, mebibytes: 40, seed }));

test(`a prune that is killed loses nothing, and the next one completes it (seed ${seed})`, (t) =>
  killPrunes(t, { kills: 6, mebibytes: 20, seed }));
