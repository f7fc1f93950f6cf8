import assert from "node:assert/strict";
import { test } from "node:test";
import {
  hasSelectors,
  labelQueries,
  matchesSelectors,
} from "../../../../../../src/server/backup/items/label-queries.ts";

const out = "velero.io/exclude-from-backup!=true";

test("without selectors everything is asked for that is not labelled out", () => {
  for (const spec of [{}, { labelSelector: null, orLabelSelectors: [] }, { labelSelector: {} }]) {
    assert.deepEqual(labelQueries(spec), [out]);
    assert.equal(hasSelectors(spec), false);
    assert.equal(matchesSelectors(spec, undefined), true);
  }
});

test("every kind of requirement is asked as the API server writes it", () => {
  const labelSelector = {
    matchLabels: { app: "web", "example.com/tier": "" },
    matchExpressions: [
      { key: "a", operator: "In" as const, values: ["x", "y"] },
      { key: "b", operator: "NotIn" as const, values: ["z"] },
      { key: "c", operator: "Exists" as const },
      { key: "d", operator: "DoesNotExist" as const },
    ],
  };
  assert.deepEqual(labelQueries({ labelSelector }), [`app=web,example.com/tier=,a in (x,y),b notin (z),c,!d,${out}`]);
  assert.equal(hasSelectors({ labelSelector }), true);
});

test("several selectors are several queries, and any of them is enough", () => {
  const spec = { orLabelSelectors: [{ matchLabels: { app: "web" } }, { matchLabels: { app: "db" } }] };
  assert.deepEqual(labelQueries(spec), [`app=web,${out}`, `app=db,${out}`]);
  assert.equal(matchesSelectors(spec, { app: "db" }), true);
  assert.equal(matchesSelectors(spec, { app: "mail" }), false);
  assert.equal(matchesSelectors(spec, undefined), false);
});
