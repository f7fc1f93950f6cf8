import assert from "node:assert/strict";
import { test } from "node:test";
import { namespaceNames, planObjects } from "../../../../bench/control-plane/objects.ts";

test("objects are the same for the same seed, evenly over namespaces and kinds, each with a name of its own", () => {
  const inNamespaces = namespaceNames(5);
  const planned = planObjects(1000, inNamespaces);
  assert.deepEqual(planned, planObjects(1000, inNamespaces));
  assert.notDeepEqual(planned, planObjects(1000, inNamespaces, "another seed"));
  const count = (of: (index: number) => string | undefined): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const index of planned.keys()) counts[of(index) ?? ""] = (counts[of(index) ?? ""] ?? 0) + 1;
    return counts;
  };
  assert.deepEqual(
    Object.values(count((index) => planned[index]?.object.metadata.namespace)),
    [200, 200, 200, 200, 200],
  );
  const kinds = count((index) => planned[index]?.resource.plural);
  assert.deepEqual([kinds.configmaps, kinds.secrets, kinds.persistentvolumeclaims], [280, 200, 20]);
  const names = planned.map(
    ({ resource, object }) => `${resource.plural}/${object.metadata.namespace}/${object.metadata.name}`,
  );
  assert.equal(new Set(names).size, planned.length);
});
