import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { KubeObject } from "../../../../../../../src/api/kube-object.ts";
import { mutableCopy } from "../../../../../../../src/server/restore/objects/json-fields.ts";
import { ImageRule } from "../../../../../../../src/server/restore/objects/rules/image-rule.ts";

function imageAfter(data: Readonly<Record<string, string>>, image: string, kind = "pods", path = ["spec"]): unknown {
  const pod = { containers: [{ name: "main", image }], initContainers: [{ name: "first", image }] };
  const fields = path.toReversed().reduce<object>((inner, step) => ({ [step]: inner }), pod);
  const object = mutableCopy({ metadata: { name: "x" }, ...fields } as KubeObject);
  new ImageRule(data).apply(kind, object);
  const found = path.reduce<unknown>((value, step) => (value as Record<string, unknown>)[step], object) as typeof pod;
  assert.equal(found.containers[0]?.image, found.initContainers[0]?.image);
  return found.containers[0]?.image;
}

describe("ImageRule", () => {
  it("replaces a part of the image wherever it stands, taken as it is written", () => {
    assert.equal(imageAfter({ a: "1.1.1.1:5000,2.2.2.2:3000" }, "1.1.1.1:5000/abc:test"), "2.2.2.2:3000/abc:test");
    assert.equal(imageAfter({ a: "a.c , $& " }, "abc/a.c:1"), "abc/$&:1");
  });

  it("takes the first rule by key that fits, and only that one", () => {
    assert.equal(imageAfter({ b: "old,second", a: "old,first", c: "first,third" }, "old:1"), "first:1");
  });

  it("passes over values that are no rule", () => {
    assert.equal(imageAfter({ a: "old", b: ",new", c: "old," }, "old:1"), "old:1");
  });

  it("finds the pod in every kind of workload, and nowhere else", () => {
    const template = ["spec", "template", "spec"];
    const places: readonly (readonly [string, string[]])[] = [
      ...["deployments.apps", "statefulsets.apps", "daemonsets.apps", "replicasets.apps"].map(
        (kind) => [kind, template] as const,
      ),
      ["replicationcontrollers", template],
      ["jobs.batch", template],
      ["cronjobs.batch", ["spec", "jobTemplate", ...template]],
    ];
    for (const [kind, path] of places) assert.equal(imageAfter({ a: "old,new" }, "old:1", kind, path), "new:1", kind);
    assert.equal(imageAfter({ a: "old,new" }, "old:1", "deployments.example.com", template), "old:1");
  });
});
