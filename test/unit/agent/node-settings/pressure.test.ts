import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { nextShare, PressureWatch, parsePressure } from "../../../../agent/node-settings/pressure.ts";
import { silentLogger } from "../../../../src/platform/logger.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

function fixture(t: TestContext) {
  const directory = temporaryDirectory(t);
  const shares: number[] = [];
  const problems: string[] = [];
  const watch = new PressureWatch({
    ...{ directory, clock: new FakeClock(), log: silentLogger },
    onShare: (share) => shares.push(Number(share.toFixed(2))),
    onUnavailable: (message) => problems.push(message),
  });
  const write = (resource: string, percent: number): void => {
    const full = `full avg10=99.00 avg60=0.00 avg300=0.00 total=1\n`;
    const text = `some avg10=${percent.toFixed(2)} avg60=80.00 avg300=9.00 total=1234\n${full}`;
    writeFileSync(join(directory, resource), text);
  };
  return { directory, shares, problems, watch, write };
}

test("the kernel's text is read, and anything else is not taken for it", () => {
  assert.equal(parsePressure("some avg10=12.34 avg60=1.00 avg300=0.00 total=5\nfull avg10=0.00 avg60=0\n"), 12.34);
  assert.equal(parsePressure("full avg10=1.00 avg60=0 avg300=0 total=0\n"), undefined);
  assert.equal(parsePressure(""), undefined);
});

test("above the threshold the share halves, well below it grows by a tenth, and between it stays", () => {
  assert.equal(nextShare(1, 1.01, 0.1), 0.5);
  assert.equal(nextShare(0.15, 9, 0.1), 0.1);
  assert.equal(nextShare(0.5, 0.9, 0.1), 0.5);
  assert.equal(nextShare(0.5, 0.8, 0.1), 0.6);
  assert.equal(nextShare(0.95, 0, 0.1), 1);
});

test("the resource under the greatest pressure decides, and only those that were chosen", async (t) => {
  const { shares, watch, write, problems } = fixture(t);
  watch.configure({ thresholds: { io: 20, memory: 10 }, leastShare: 0.2 });
  write("cpu", 100);
  write("io", 10);
  write("memory", 5);
  await watch.look();
  assert.deepEqual(shares, []);
  write("memory", 11);
  for (let look = 0; look < 5; look++) await watch.look();
  assert.deepEqual(shares, [0.5, 0.25, 0.2]);
  write("memory", 9);
  await watch.look();
  assert.deepEqual(shares.slice(3), [], "not yet calm");
  write("memory", 1);
  for (let look = 0; look < 9; look++) await watch.look();
  assert.deepEqual(shares.slice(3), [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]);
  assert.deepEqual(problems, []);
});

test("settings that are taken back end the slow-down at once", async (t) => {
  const { shares, watch, write } = fixture(t);
  watch.configure({ thresholds: { io: 20 }, leastShare: 0.1 });
  write("io", 50);
  await watch.look();
  watch.configure(undefined);
  await watch.look();
  assert.deepEqual(shares, [0.5, 1]);
});

test("a node that does not tell its pressure is reported once, and nothing is slowed down", async (t) => {
  const { directory, shares, watch, write, problems } = fixture(t);
  watch.configure({ thresholds: { io: 20, cpu: 50 }, leastShare: 0.1 });
  await watch.look();
  await watch.look();
  assert.equal(problems.length, 1);
  assert.match(problems[0] ?? "", /^onPressure has no effect: this node does not tell its pressure: ENOENT/);
  write("io", 90);
  await watch.look();
  rmSync(join(directory, "io"));
  await watch.look();
  assert.deepEqual(shares, [0.5, 0.6], "a file that goes away slows nothing down for ever");
});
