// What /proc tells of a process.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { usageOf } from "../../../../bench/pipeline/process-usage.ts";

test("time, memory and bytes read are those of the process", () => {
  const before = usageOf(process.pid);
  const ballast = Buffer.alloc(200 * 1024 * 1024, 1);
  const bytes = readFileSync(import.meta.filename).length;
  const during = usageOf(process.pid);
  assert.ok(during.peakMib >= before.peakMib + 100, `${before.peakMib} MiB, then ${during.peakMib}`);
  assert.ok(during.readBytes >= before.readBytes + bytes);
  assert.ok(during.cpuSeconds > 0 && during.cpuSeconds < 60);
  assert.equal(ballast[0], 1);
});

test("a process that is gone has used nothing", () => {
  assert.deepEqual(usageOf(2 ** 30), { cpuSeconds: 0, peakMib: 0, readBytes: 0 });
});
