import assert from "node:assert/strict";
import { test } from "node:test";
import { configMaps } from "../../../../../../src/api/resources.ts";
import {
  type PolicyReading,
  readVolumePolicy,
} from "../../../../../../src/server/backup/volumes/read-volume-policy.ts";
import { ObjectTable } from "../../../../../support/object-table.ts";

const table = new ObjectTable();
for (const [name, data] of Object.entries({
  good: { policy: "version: v1\nvolumePolicies:\n- {conditions: {}, action: {type: skip}}\n" },
  bad: { policy: "version: v1\nvolumePolicies:\n- {conditions: {a: 1}, action: {type: leave}}\n" },
  two: { one: "version: v1", other: "version: v1" },
  none: {},
}))
  table.put(configMaps, { metadata: { namespace: "velero", name }, data });

const read = async (name: string, kind = "configmap"): Promise<PolicyReading> =>
  await readVolumePolicy({ kind, name }, { client: table.client, namespace: "velero" }, new AbortController().signal);

test("a Backup's volume policy is read, whatever case its kind is in", async () => {
  for (const kind of ["configmap", "ConfigMap"])
    assert.deepEqual((await read("good", kind)).policy?.entries, [{ conditions: {}, action: "skip" }]);
});

test("no policy is named, and there is nothing to read", async () => {
  for (const reference of [undefined, null, { kind: "", name: "" }])
    assert.deepEqual(
      await readVolumePolicy(reference, { client: table.client, namespace: "velero" }, new AbortController().signal),
      { problems: [] },
    );
});

test("what is wrong with a policy is told with its place", async () => {
  const place = "the volume policy in ConfigMap velero";
  assert.deepEqual((await read("absent")).problems, [`${place}/absent does not exist`]);
  assert.deepEqual((await read("two")).problems, [`${place}/two has 2 data keys; it must have one`]);
  assert.deepEqual((await read("none")).problems, [`${place}/none has 0 data keys; it must have one`]);
  assert.deepEqual((await read("good", "Secret")).problems, [
    'spec.resourcePolicy.kind is "Secret"; only configmap is known',
  ]);
  const { policy, problems } = await read("bad");
  assert.equal(policy, undefined);
  assert.equal(problems.length, 2);
  for (const problem of problems) assert.ok(problem.startsWith(`${place}/bad: volumePolicies[0].`), problem);
});
