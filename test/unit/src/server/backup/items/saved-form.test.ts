import assert from "node:assert/strict";
import { test } from "node:test";
import { savedForm } from "../../../../../../src/server/backup/items/saved-form.ts";

const claims = {
  ...{ group: "", version: "v1", plural: "persistentvolumeclaims" },
  ...{ kind: "PersistentVolumeClaim", isNamespaced: true },
};
const origin = { dataSource: { name: "a" }, dataSourceRef: { name: "a" }, selector: { matchLabels: { a: "b" } } };

function claim(spec: object, phase = "Bound") {
  return { metadata: { namespace: "shop", name: "data" }, spec, status: { phase } } as never;
}

test("a bound claim loses what it was made from, and its selector where a class provisions volumes", () => {
  const saved = (spec: object): unknown => (savedForm(claims, claim(spec)) as unknown as { spec: unknown }).spec;
  const bound = { volumeName: "pv", accessModes: ["ReadWriteOnce"] };
  assert.deepEqual(saved({ ...bound, ...origin }), bound);
  assert.deepEqual(saved({ ...bound, ...origin, storageClassName: "fast" }), { ...bound, storageClassName: "fast" });
  const { selector } = origin;
  assert.deepEqual(saved({ ...bound, ...origin, storageClassName: "" }), { ...bound, storageClassName: "", selector });
  assert.deepEqual(saved(bound), bound);
});

test("a claim that has no volume yet, and every other kind, stay as they are", () => {
  for (const object of [claim({ ...origin }), claim({ ...origin, volumeName: "pv" }, "Pending"), claim({})])
    assert.equal(savedForm(claims, object), object);
  const other = claim({ ...origin, volumeName: "pv" });
  assert.equal(savedForm({ ...claims, group: "example.com" }, other), other);
});
