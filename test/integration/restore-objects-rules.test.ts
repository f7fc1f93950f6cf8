import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { KubeObject } from "../../src/api/kube-object.ts";
import { mutableCopy } from "../../src/server/restore/objects/json-fields.ts";
import { PatchSchemas } from "../../src/server/restore/objects/rules/modifiers/patch-schemas.ts";
import { strategicMerge } from "../../src/server/restore/objects/rules/modifiers/strategic-merge.ts";
import { MemoryContents } from "../support/memory-contents.ts";
import { type RestoreObjectsRig, startRestoreObjectsRig } from "../support/restore-objects-rig.ts";

const core = "/api/v1/namespaces";
const apps = "/apis/apps/v1/namespaces";
const nothing = { warnings: {}, errors: {} };

describe("restoreObjects with ConfigMaps that change objects", () => {
  let rig: RestoreObjectsRig;
  before(async () => {
    rig = await startRestoreObjectsRig();
    await rig.makeNamespace("shop");
    await rig.make(`${apps}/shop/deployments`, { metadata: { name: "web" }, spec: deploymentSpec });
    await rig.make("/apis/storage.k8s.io/v1/storageclasses", { metadata: { name: "new" }, provisioner: "x" });
  });
  after(async () => await rig.stop());

  const deploymentSpec = {
    replicas: 2,
    selector: { matchLabels: { app: "shop" } },
    strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1 } },
    template: {
      metadata: { labels: { app: "shop" } },
      spec: {
        nodeSelector: { disk: "fast", zone: "a" },
        tolerations: [{ key: "gpu", operator: "Exists" }],
        imagePullSecrets: [{ name: "pull" }],
        initContainers: [{ name: "setup", image: "registry.old/tools:1" }],
        containers: [
          {
            ...{ name: "main", image: "registry.old/shop:1", args: ["--all"], ports: [{ containerPort: 80 }] },
            env: ["A", "B", "C"].map((name) => ({ name, value: "1" })),
            volumeMounts: [{ name: "scratch", mountPath: "/scratch" }],
          },
          { name: "side", image: "registry.old/side:1" },
        ],
        volumes: [{ name: "scratch", emptyDir: {} }],
      },
    },
  };

  const configMap = async (name: string, data: object, labels: object = {}): Promise<void> => {
    const path = `${core}/velero/configmaps`;
    await rig.controlPlane.call("DELETE", `${path}/${name}`);
    await rig.make(path, { metadata: { name, labels }, data });
  };
  const modifiers = (rules: string): Promise<void> => configMap("rules", { "rules.yaml": `version: v1\n${rules}` });
  const resourceModifier = { kind: "ConfigMap", name: "rules" };

  /** Restored under another namespace, so that nothing is in the way. */
  const restoreDeployment = async (namespace: string, spec: object = { resourceModifier }) => {
    const contents = await rig.backUp("shop");
    const run = await rig.restore(contents, { spec: { namespaceMapping: { shop: namespace }, ...spec } });
    return { run, deployment: await rig.find(`${apps}/${namespace}/deployments/web`) };
  };

  // What the API server itself makes of each is the measure.
  const strategicPatches: readonly (readonly [title: string, podSpec: object])[] = [
    [
      "changes one container and adds another",
      {
        containers: [
          { name: "main", image: "x" },
          { name: "new", image: "y" },
        ],
      },
    ],
    [
      "adds a container in front",
      {
        containers: [
          { name: "new", image: "y" },
          { name: "side", tty: true },
        ],
      },
    ],
    [
      "turns two containers round",
      {
        containers: [{ name: "side" }, { name: "main" }],
        "$setElementOrder/containers": [{ name: "side" }, { name: "main" }],
      },
    ],
    ["deletes a container", { containers: [{ $patch: "delete", name: "side" }] }],
    ["replaces all containers", { containers: [{ $patch: "replace" }, { name: "only", image: "z" }] }],
    [
      "merges env by name",
      {
        containers: [
          {
            name: "main",
            env: [
              { name: "C", value: "2" },
              { name: "D", value: "1" },
              { name: "A", value: "3" },
            ],
          },
        ],
      },
    ],
    [
      "replaces plain lists and lists without a key",
      { containers: [{ name: "main", args: ["--some"] }], tolerations: [{ key: "other", operator: "Exists" }] },
    ],
    ["merges and deletes keys of maps", { nodeSelector: { disk: null, zone: "b", arch: "arm64" } }],
    ["replaces a map", { nodeSelector: { $patch: "replace", only: "one" } }],
    [
      "merges mounts by their path",
      { containers: [{ name: "main", volumeMounts: [{ name: "scratch", mountPath: "/more" }] }] },
    ],
    [
      "merges ports by number",
      { containers: [{ name: "main", ports: [{ containerPort: 80, name: "http" }, { containerPort: 81 }] }] },
    ],
    [
      "keeps only some fields of a volume",
      { volumes: [{ name: "scratch", $retainKeys: ["name", "hostPath"], hostPath: { path: "/tmp" } }] },
    ],
    [
      "adds what was not there",
      {
        securityContext: { runAsUser: 7, supplementalGroups: [1, 2] },
        hostAliases: [{ ip: "10.0.0.1", hostnames: ["x"] }],
      },
    ],
    ["deletes from a list of names", { imagePullSecrets: [{ $patch: "delete", name: "pull" }, { name: "other" }] }],
  ];

  it("merges strategically exactly as the API server does", async () => {
    const path = `${apps}/shop/deployments/web`;
    const live = await rig.get(path);
    const deployment = mutableCopy({ ...live, apiVersion: "apps/v1", kind: "Deployment" } as KubeObject);
    const schemas = new PatchSchemas(rig.client);
    const schema = await schemas.of("deployments.apps", deployment, new AbortController().signal);
    for (const [title, spec] of strategicPatches) {
      const patch = { spec: { template: { spec } } };
      const type = "application/strategic-merge-patch+json";
      const theirs = await rig.controlPlane.must("PATCH", `${path}?dryRun=All`, patch, type);
      const ours = strategicMerge(deployment, patch, schema);
      // A replacement fills in the same defaults as their patch has.
      const filled = await rig.controlPlane.must("PUT", `${path}?dryRun=All`, ours);
      const specOf = (object: unknown): unknown => (object as { spec: unknown }).spec;
      assert.deepEqual(specOf(filled), specOf(theirs), title);
    }
  });

  it("merges lists of plain words as the API server does", async () => {
    const path = `${apps}/shop/deployments/web`;
    const finalizers = ["a", "b", "c"].map((name) => `example.com/${name}`);
    const metadata = { ...(await rig.get(path)).metadata, finalizers };
    const deployment = { apiVersion: "apps/v1", kind: "Deployment", metadata };
    const schema = await new PatchSchemas(rig.client).of("deployments.apps", deployment, new AbortController().signal);
    const patch = { metadata: { finalizers: ["example.com/d", "example.com/b"] } };
    await rig.patch(path, { metadata: { finalizers } });
    const type = "application/strategic-merge-patch+json";
    const theirs = (await rig.controlPlane.must("PATCH", `${path}?dryRun=All`, patch, type)) as typeof deployment;
    await rig.patch(path, { metadata: { finalizers: null } });
    const ours = strategicMerge(deployment, patch, schema) as typeof deployment;
    assert.deepEqual(ours.metadata.finalizers, theirs.metadata.finalizers);
  });

  it("applies the three kinds of resource modifiers to the objects that fit", async () => {
    await modifiers(`resourceModifierRules:
- conditions:
    groupResource: deployments.apps
    resourceNameRegex: "^we"
    namespaces: [shop]
    matches: [{ path: /spec/replicas, value: "2" }]
  patches:
  - { operation: replace, path: /spec/replicas, value: "1" }
  - { operation: add, path: /metadata/labels/changed, value: "\\"true\\"" }
- conditions: { groupResource: "deployments.*" }
  mergePatches:
  - patchData: |
      spec: { template: { spec: { nodeSelector: { disk: null } } } }
- conditions: { groupResource: "**" }
  strategicPatches:
  - patchData: |
      spec: { template: { spec: { containers: [{ name: side, image: "registry.new/side:2" }] } } }
- conditions: { groupResource: deployments.apps, namespaces: [elsewhere] }
  patches: [{ operation: remove, path: /spec/template }]
`);
    const { run, deployment } = await restoreDeployment("modified");
    assert.deepEqual(run.results, nothing);
    const spec = deployment?.spec as typeof deploymentSpec;
    assert.deepEqual([spec.replicas, deployment?.metadata.labels?.changed], [1, "true"]);
    assert.deepEqual(spec.template.spec.nodeSelector, { zone: "a" });
    const images = spec.template.spec.containers.map(({ image }) => image);
    assert.deepEqual(images, ["registry.old/shop:1", "registry.new/side:2"]);
  });

  it("does not create an object that a modifier cannot change, and says which rule it was", async () => {
    await modifiers(`resourceModifierRules:
- conditions: { groupResource: deployments.apps }
  patches: [{ operation: remove, path: /spec/template/spec/nothing }]
`);
    const { run, deployment } = await restoreDeployment("unmodified");
    const [error] = run.results.errors.namespaces?.unmodified ?? [];
    assert.match(
      error ?? "",
      /rule 1 cannot be applied: remove \/spec\/template\/spec\/nothing: there is no such place/,
    );
    assert.equal(deployment, undefined);
  });

  it("refuses a Restore whose modifiers are absent or wrong", async () => {
    await assert.rejects(
      restoreDeployment("never", { resourceModifier: { kind: "ConfigMap", name: "absent" } }),
      /does not exist/,
    );
    await modifiers("resourceModifierRules: [{ conditions: { groupResource: pods }, patch: [] }]");
    await assert.rejects(restoreDeployment("never"), /velero\/rules: rule 1: key "patch" is unknown/);
  });

  it("changes images and storage classes, and refuses a class that is not there", async () => {
    const config = { "velero.io/plugin-config": "" };
    const images = { "velero.io/change-image-name": "RestoreItemAction" };
    await configMap("images", { all: "registry.old, registry.new:5000" }, { ...config, ...images });
    await restoreDeployment("images", {});
    const { template } = (await rig.get(`${apps}/images/deployments/web`)).spec as typeof deploymentSpec;
    const found = [...template.spec.initContainers, ...template.spec.containers].map(({ image }) => image);
    assert.deepEqual(
      found,
      ["tools:1", "shop:1", "side:1"].map((name) => `registry.new:5000/${name}`),
    );

    const classes = { "velero.io/change-storage-class": "RestoreItemAction" };
    await configMap("classes", { old: "new", older: "absent" }, { ...config, ...classes });
    const contents = new MemoryContents();
    const resources = { requests: { storage: "1Gi" } };
    for (const storageClassName of ["old", "older", "other"]) {
      contents.add("persistentvolumeclaims", {
        ...{
          apiVersion: "v1",
          kind: "PersistentVolumeClaim",
          metadata: { name: storageClassName, namespace: "classes" },
        },
        spec: { accessModes: ["ReadWriteOnce"], resources, storageClassName },
      } as KubeObject);
    }
    const run = await rig.restore(contents);
    const classOf = async (name: string): Promise<unknown> => {
      const claim = await rig.find(`${core}/classes/persistentvolumeclaims/${name}`);
      return (claim?.spec as { storageClassName?: string } | undefined)?.storageClassName;
    };
    assert.deepEqual(
      [await classOf("old"), await classOf("older"), await classOf("other")],
      ["new", undefined, "other"],
    );
    assert.match(
      run.results.errors.namespaces?.classes?.[0] ?? "",
      /storage class absent, which replaces older, does not exist/,
    );

    await configMap("more", {}, { ...config, ...classes });
    await assert.rejects(rig.restore(contents), /more than one ConfigMap.*classes, more/);
  });
});
