import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MutableObject } from "../../../../../../../../src/server/restore/objects/json-fields.ts";
import { parseModifiers } from "../../../../../../../../src/server/restore/objects/rules/modifiers/parse-modifiers.ts";
import { PatchSchemas } from "../../../../../../../../src/server/restore/objects/rules/modifiers/patch-schemas.ts";
import { ResourceModifiers } from "../../../../../../../../src/server/restore/objects/rules/modifiers/resource-modifiers.ts";

interface Case {
  readonly conditions: object;
  readonly kind?: string;
  readonly namespace?: string | undefined;
}

const object: MutableObject = {
  ...{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings", labels: { app: "shop" } } },
  data: { size: 1 },
};

/** The API server has no schemas and one CRD. */
const client = {
  find: (_resource: unknown, { name }: { name: string }) =>
    Promise.resolve(name === "widgets.example.com" ? { metadata: { name } } : undefined),
  getPath: () => Promise.resolve({}),
} as unknown as ConstructorParameters<typeof PatchSchemas>[0];

const { signal } = new AbortController();

function modifiersOf(rules: readonly object[]): ResourceModifiers {
  const text = JSON.stringify({ version: "v1", resourceModifierRules: rules });
  return new ResourceModifiers(parseModifiers({ metadata: { name: "r" }, data: { text } }), new PatchSchemas(client));
}

async function fits({ conditions, kind = "configmaps", namespace = "shop" }: Case): Promise<boolean> {
  const patches = [{ operation: "add", path: "/data/found", value: "yes" }];
  const modifiers = modifiersOf([{ conditions: { groupResource: "**", ...conditions }, patches }]);
  const kindOf = { groupResource: kind, sourceNamespace: namespace === "" ? undefined : namespace };
  const changed = await modifiers.apply(kindOf, structuredClone(object), signal);
  return (changed.data as { found?: string }).found === "yes";
}

describe("ResourceModifiers", () => {
  it("change the objects that meet every condition", async () => {
    const cases: readonly (readonly [Case, boolean])[] = [
      [{ conditions: {} }, true],
      [{ conditions: { namespaces: ["bank", "sh*"] } }, true],
      [{ conditions: { namespaces: ["bank"] } }, false],
      [{ conditions: { namespaces: ["bank"] }, namespace: "" }, true],
      [{ conditions: { groupResource: "*" } }, true],
      [{ conditions: { groupResource: "*" }, kind: "jobs.batch" }, false],
      [{ conditions: { resourceNameRegex: "ting" } }, true],
      [{ conditions: { resourceNameRegex: "^ting" } }, false],
      [{ conditions: { labelSelector: { matchLabels: { app: "shop" } } } }, true],
      [{ conditions: { labelSelector: { matchLabels: { app: "bank" } } } }, false],
      [{ conditions: { matches: [{ path: "/data/size", value: "1" }] } }, true],
      [{ conditions: { matches: [{ path: "/data/size", value: '"1"' }] } }, false],
      [{ conditions: { matches: [{ path: "/data/absent/deep", value: "1" }] } }, false],
    ];
    for (const [wish, expected] of cases) assert.equal(await fits(wish), expected, JSON.stringify(wish));
  });

  it("look at the object as it was before the first of them, and change it one after the other", async () => {
    const rule = (size: number, next: string): object => ({
      conditions: { groupResource: "configmaps", matches: [{ path: "/data/size", value: size }] },
      patches: [{ operation: "replace", path: "/data/size", value: next }],
    });
    const merge = { conditions: { groupResource: "configmaps" }, mergePatches: [{ patchData: "data: { more: 1 }" }] };
    const modifiers = modifiersOf([rule(1, "2"), rule(2, "3"), merge]);
    const kind = { groupResource: "configmaps", sourceNamespace: "shop" };
    assert.deepEqual((await modifiers.apply(kind, object, signal)).data, { size: 2, more: 1 });
    assert.deepEqual(object.data, { size: 1 });
  });

  it("leave the object alone when a test inside a patch does not hold", async () => {
    const patches = [
      { operation: "replace", path: "/data/size", value: "2" },
      { operation: "test", path: "/metadata/name", value: "other" },
    ];
    const modifiers = modifiersOf([{ conditions: { groupResource: "**" }, patches }]);
    const changed = await modifiers.apply({ groupResource: "configmaps", sourceNamespace: "a" }, object, signal);
    assert.deepEqual(changed, object);
  });

  it("name the rule whose expression takes too long", async () => {
    const patches = [{ operation: "add", path: "/data/found", value: "yes" }];
    const conditions = { groupResource: "**", resourceNameRegex: "^(s|se|et|t|i|n|g|-)*!$" };
    const slow = { ...object, metadata: { name: "setting-".repeat(30) } };
    const applied = modifiersOf([{ conditions, patches }]).apply(
      { groupResource: "configmaps", sourceNamespace: "a" },
      slow,
      signal,
    );
    await assert.rejects(applied, /rule 1 cannot be applied: its regular expression takes more than 1 s/);
  });

  it("cannot merge custom resources strategically, nor kinds without a schema, and say so", async () => {
    const rule = { conditions: { groupResource: "**" }, strategicPatches: [{ patchData: "data: { a: 1 }" }] };
    const apply = (groupResource: string): Promise<unknown> =>
      modifiersOf([rule]).apply({ groupResource, sourceNamespace: "a" }, object, signal);
    await assert.rejects(
      apply("widgets.example.com"),
      /rule 1 cannot be applied: .*custom resources: use mergePatches/,
    );
    await assert.rejects(apply("configmaps"), /rule 1 cannot be applied: .*schemas do not have v1 ConfigMap/);
  });
});
