import assert from "node:assert/strict";
import { test } from "node:test";
import { concurrencyFor, readLoadConcurrency } from "../../../../agent/data-path/load-concurrency.ts";

const configMap = (data: Record<string, string>) => ({ metadata: { name: "c" }, data });
const big = { matchLabels: { size: "big" } };

test("the global number holds where no rule matches, and is one when it is none", () => {
  assert.equal(concurrencyFor({ globalConfig: 3 }, {}), 3);
  for (const globalConfig of [0, -1, 1.5]) assert.equal(concurrencyFor({ globalConfig }, {}), 1);
  assert.equal(concurrencyFor({}, {}), 1);
});

test("of all matching rules the smallest number wins; rules that are invalid are skipped", () => {
  const perNodeConfig = [
    { nodeSelector: big, number: 8 },
    { nodeSelector: {}, number: 5 },
    { nodeSelector: big, number: 0 },
    { nodeSelector: { matchExpressions: [{ key: "size", operator: "In" as const }] }, number: 1 },
  ];
  assert.equal(concurrencyFor({ globalConfig: 2, perNodeConfig }, { size: "big" }), 5);
  assert.equal(concurrencyFor({ globalConfig: 2, perNodeConfig: perNodeConfig.slice(0, 1) }, { size: "small" }), 2);
});

test("a node that cannot be read gets the global number", () => {
  assert.equal(concurrencyFor({ globalConfig: 2, perNodeConfig: [{ nodeSelector: {}, number: 7 }] }, undefined), 2);
});

test("the ConfigMap has one data key of any name that holds a JSON object", () => {
  assert.deepEqual(readLoadConcurrency(configMap({ any: '{"loadConcurrency":{"globalConfig":2}}' })), {
    globalConfig: 2,
  });
  assert.deepEqual(readLoadConcurrency(configMap({ any: '{"podResources":{}}' })), {});
  for (const data of [{}, { a: "{}", b: "{}" }, { a: "nonsense" }, { a: "[]" }, { a: "null" }]) {
    assert.throws(() => readLoadConcurrency(configMap(data as Record<string, string>)), { code: "config-map-invalid" });
  }
});
