import assert from "node:assert/strict";
import { test } from "node:test";
import type { PackId } from "../../../../repo-format/format/id.ts";
import { FindingLog } from "../../../../repo-format/maintenance/check-findings.ts";

test("FindingLog counts by severity and hands each finding out", () => {
  const heard: string[] = [];
  const log = new FindingLog(({ code, severity }) => heard.push(`${severity} ${code}`));
  log.add("pack-missing", "m");
  log.add("file-size", "m");
  log.add("pack-mixed", "m");
  assert.deepEqual(heard, ["error pack-missing", "warning file-size", "hint pack-mixed"]);
  assert.deepEqual(log.counts, { error: 1, warning: 1, hint: 1 });
});

test("FindingLog collects damaged packs once, and what to do next", () => {
  const log = new FindingLog(undefined);
  const packId = "p" as PackId;
  log.add("pack-missing", "nothing is left to repair", { packId: "gone" as PackId });
  log.add("pack-hash", "m", { packId });
  log.add("blob-damaged", "m", { packId });
  assert.deepEqual([...log.brokenPacks], [packId]);
  assert.ok(!log.suggestPrune && !log.suggestRepairIndex);
  log.add("pack-unreferenced", "m");
  log.add("index-duplicate-pack", "m");
  assert.ok(log.suggestPrune && log.suggestRepairIndex);
});
