import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { readThrottleSettings } from "../../../../agent/node-settings/throttle-settings.ts";
import type { ConfigMap } from "../../../../src/api/core.ts";

const mebibyte = 1024 * 1024;

function read(stowageThrottle: unknown, labels: Readonly<Record<string, string>> = {}) {
  const data = { "node-agent.json": JSON.stringify({ loadConcurrency: { globalConfig: 2 }, stowageThrottle }) };
  return readThrottleSettings({ metadata: { name: "node-agent-config" }, data }, labels);
}

test("without our key nothing is limited", () => {
  assert.deepEqual(read(undefined), { limits: {}, pressure: undefined });
});

test("rates are sizes or numbers, and files a number", () => {
  assert.deepEqual(read({ upload: "20Mi", download: 500_000, concurrentFiles: 3 }).limits, {
    uploadBytesPerSecond: 20 * mebibyte,
    downloadBytesPerSecond: 500_000,
    concurrentFiles: 3,
  });
});

test("of the rules for this node the smallest number wins over the general one, each for itself", () => {
  const perNodeConfig = [
    { nodeSelector: { matchLabels: { disk: "slow" } }, upload: "5Mi" },
    { nodeSelector: { matchLabels: { disk: "slow" } }, upload: "9Mi", concurrentFiles: 1 },
    { nodeSelector: { matchLabels: { disk: "fast" } }, upload: "1Mi", download: "1Mi" },
  ];
  const settings = { upload: "2Mi", download: "30Mi", perNodeConfig };
  assert.deepEqual(read(settings, { disk: "slow" }).limits, {
    uploadBytesPerSecond: 5 * mebibyte,
    downloadBytesPerSecond: 30 * mebibyte,
    concurrentFiles: 1,
  });
  assert.equal(read(settings, { disk: "other" }).limits.uploadBytesPerSecond, 2 * mebibyte);
});

test("pressure has a threshold for each resource that was chosen, and a tenth is what stays", () => {
  assert.deepEqual(read({ onPressure: { io: 20, memory: 7.5 } }).pressure, {
    thresholds: { io: 20, memory: 7.5 },
    leastShare: 0.1,
  });
  assert.equal(read({ onPressure: { cpu: 50, lowestPercent: 25 } }).pressure?.leastShare, 0.25);
});

test("what cannot be understood is refused with its place and what is wanted", () => {
  const cases: [unknown, RegExp][] = [
    [{ uplaod: "1Mi" }, /: stowageThrottle\.uplaod is not known; there are upload, download/],
    [
      { upload: "fast" },
      /stowageThrottle\.upload must be bytes a second above 0, such as "20Mi" or 500000, not "fast"/,
    ],
    [{ upload: 0 }, /stowageThrottle\.upload must be .*, not 0/],
    [{ concurrentFiles: 1.5 }, /stowageThrottle\.concurrentFiles must be a whole number above 0, not 1\.5/],
    [{ perNodeConfig: {} }, /stowageThrottle\.perNodeConfig must be a list/],
    [{ perNodeConfig: [{ upload: "x" }] }, /stowageThrottle\.perNodeConfig\[0\]\.upload must be/],
    [{ perNodeConfig: [{ nodeSelector: { matchExpressions: [{ key: "a", operator: "In" }] } }] }, /a label selector/],
    [{ onPressure: { io: 101 } }, /stowageThrottle\.onPressure\.io must be a percentage above 0, up to 100, not 101/],
    [{ onPressure: { disk: 1 } }, /stowageThrottle\.onPressure\.disk is not known; there are cpu, io, memory/],
    [[], /stowageThrottle must be an object, not \[\]/],
  ];
  for (const [content, message] of cases)
    assert.throws(() => read(content), { code: "config-map-invalid", message }, JSON.stringify(content));
});

test("the example of the manifests is understood", () => {
  const path = join(import.meta.dirname, "..", "..", "..", "..", "manifests", "examples", "node-agent-config.yaml");
  const configMap = parse(readFileSync(path, "utf8")) as ConfigMap;
  const { limits, pressure } = readThrottleSettings(configMap, { "example.com/uplink": "thin" });
  assert.deepEqual([limits.uploadBytesPerSecond, limits.concurrentFiles], [5 * mebibyte, 2]);
  assert.deepEqual(pressure?.thresholds, { io: 20, memory: 10 });
});
