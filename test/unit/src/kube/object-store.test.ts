import assert from "node:assert/strict";
import { test } from "node:test";
import { ObjectStore } from "../../../../src/kube/object-store.ts";

const object = (name: string, resourceVersion: string) => ({ metadata: { namespace: "ns", name, resourceVersion } });

test("put tells an addition from an update and from nothing new", () => {
  const store = new ObjectStore<ReturnType<typeof object>>();
  assert.equal(store.put(object("a", "1"))?.type, "added");
  assert.equal(store.put(object("a", "1")), undefined);
  const change = store.put(object("a", "2"));
  assert.equal(change?.type, "updated");
  assert.equal(store.get("ns/a")?.metadata.resourceVersion, "2");
});

test("replaceAll reports what was deleted while nobody watched", () => {
  const store = new ObjectStore<ReturnType<typeof object>>();
  store.replaceAll([object("a", "1"), object("b", "1"), object("c", "1")]);
  const changes = store.replaceAll([object("b", "1"), object("c", "2"), object("d", "1")]);
  assert.deepEqual(
    changes.map((change) => `${change.type} ${change.object.metadata.name}`),
    ["deleted a", "updated c", "added d"],
  );
});

test("removing an unknown object is no change", () => {
  assert.equal(new ObjectStore<ReturnType<typeof object>>().remove(object("a", "1")), undefined);
});
