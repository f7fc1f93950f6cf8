// The real Velero 1.16 and our server restore the same Backup beside each other, each into a namespace of its own, with the same
// ConfigMaps that change objects; every object is then compared field by field.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { KubeObject } from "../../src/api/kube-object.ts";
import { type LivingCluster, startLivingCluster } from "../support/living-cluster.ts";
import { eventually } from "../support/processes.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";
import { startVeleroServer } from "../support/velero-server.ts";

let s3: S3Server;
let cluster: LivingCluster;

before(async () => {
  s3 = await startS3Server({ buckets: ["backups"] });
  cluster = await startLivingCluster({ s3, crds: "velero", bucket: "backups" });
});

after(async () => {
  await cluster?.stop();
  await s3?.stop();
});

const labels = { app: "shop" };
/** A port of the node. */
const askedFor = 30_080;
const container = { name: "main", image: "registry.old/shop:1", env: [{ name: "A", value: "1" }] };
const template = { metadata: { labels }, spec: { containers: [container] } };
const of = (apiVersion: string, kind: string, name: string, fields: object): object => ({
  ...{ apiVersion, kind, metadata: { name, namespace: "demo", labels: { part: name } } },
  ...fields,
});
const subject = { kind: "ServiceAccount", name: "builder", namespace: "demo" };
const role = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "reader" };

/** A namespace with something of everything that restores treat in a way of its own. */
const workload: readonly object[] = [
  { apiVersion: "v1", kind: "Namespace", metadata: { name: "demo", labels: { team: "blue" } } },
  of("v1", "ServiceAccount", "builder", { imagePullSecrets: [{ name: "pull" }] }),
  of("v1", "ConfigMap", "settings", { data: { greeting: "hello" } }),
  of("v1", "Secret", "key", { stringData: { key: "secret" } }),
  of("v1", "LimitRange", "limits", { spec: { limits: [{ type: "Pod", max: { cpu: "4" } }] } }),
  of("rbac.authorization.k8s.io/v1", "Role", "reader", { rules: [] }),
  of("rbac.authorization.k8s.io/v1", "RoleBinding", "reads", { roleRef: role, subjects: [subject] }),
  of("apps/v1", "Deployment", "web", { spec: { replicas: 0, selector: { matchLabels: labels }, template } }),
  of("apps/v1", "StatefulSet", "db", {
    spec: { ...{ replicas: 0, serviceName: "db", selector: { matchLabels: labels } }, template },
  }),
  of("batch/v1", "CronJob", "nightly", {
    spec: {
      ...{ schedule: "0 3 * * *", suspend: true },
      jobTemplate: { spec: { template: { spec: { ...template.spec, restartPolicy: "Never" } } } },
    },
  }),
  of("batch/v1", "Job", "once", {
    spec: { suspend: true, template: { spec: { ...template.spec, restartPolicy: "Never" } } },
  }),
  of("v1", "Service", "asked", {
    spec: {
      type: "NodePort",
      selector: labels,
      ports: [
        { name: "http", port: 80, nodePort: askedFor },
        { name: "b", port: 81 },
      ],
    },
  }),
  of("v1", "Service", "headless", { spec: { clusterIP: "None", selector: labels, ports: [{ port: 80 }] } }),
  of("networking.k8s.io/v1", "NetworkPolicy", "closed", { spec: { podSelector: {}, policyTypes: ["Ingress"] } }),
  of("policy/v1", "PodDisruptionBudget", "some", { spec: { minAvailable: 1, selector: { matchLabels: labels } } }),
];

const rules = `version: v1
resourceModifierRules:
- conditions: { groupResource: deployments.apps, matches: [{ path: /spec/replicas, value: "0" }] }
  patches:
  - { operation: add, path: /metadata/annotations/number, value: "\\"7\\"" }
  - { operation: replace, path: /spec/revisionHistoryLimit, value: "3" }
- conditions: { groupResource: configmaps, resourceNameRegex: "^set" }
  mergePatches: [{ patchData: "data: { greeting: null, more: yes-please }" }]
- conditions: { groupResource: "*.batch" }
  strategicPatches: [{ patchData: "metadata: { labels: { patched: here } }" }]
- conditions: { groupResource: statefulsets.apps }
  strategicPatches:
  - patchData: '{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"x"},{"name":"main","env":[{"name":"B","value":"2"}]}]}}}}'
`;

const kinds: readonly string[] = [
  ...[
    "serviceaccounts",
    "configmaps",
    "secrets",
    "limitranges",
    "roles",
    "rolebindings",
    "deployments",
    "statefulsets",
  ],
  ...["cronjobs", "jobs", "services", "networkpolicies", "poddisruptionbudgets"],
];

/** Without what must differ: the namespace, the restore, and what the API server chose for each. */
function comparable({ metadata, status: _status, ...fields }: KubeObject & { readonly status?: unknown }): unknown {
  const own = Object.entries(metadata.labels ?? {}).filter(([name]) => !name.startsWith("velero.io/"));
  const text = JSON.stringify({ fields, labels: Object.fromEntries(own), annotations: metadata.annotations });
  const isAddress = (key: string, value: unknown): boolean =>
    ["clusterIP", "clusterIPs"].includes(key) && !JSON.stringify(value).includes("None");
  return JSON.parse(text.replaceAll(metadata.namespace ?? "", "NAMESPACE"), (key, value: unknown) => {
    const isPort = key === "nodePort" && value !== askedFor;
    return isPort || isAddress(key, value) || key.endsWith("controller-uid") ? "chosen anew" : value;
  });
}

async function restoredInto(namespace: string): Promise<Readonly<Record<string, unknown>>> {
  const found: Record<string, unknown> = {};
  for (const kind of kinds) {
    const list = JSON.parse(await cluster.kubectl("-n", namespace, "get", kind, "-o", "json")) as {
      items: KubeObject[];
    };
    for (const item of list.items) found[`${kind}/${item.metadata.name}`] = comparable(item);
  }
  return found;
}

async function restoreInto(namespace: string): Promise<void> {
  const name = `into-${namespace}`;
  const mapping = ["--namespace-mappings", `demo:${namespace}`];
  const changes = ["--resource-modifier-configmap", "rules"];
  const said = await cluster.velero("restore", "create", name, "--from-backup", "b1", ...mapping, ...changes, "--wait");
  const { stdout } = await cluster.tryVelero("restore", "describe", name, "--details");
  assert.match(said, /completed with status: Completed/, `${stdout}\n${cluster.outputs()}`);
}

describe("objects that Velero 1.16 and our server restore from one Backup", () => {
  it("are the same, field by field", { timeout: 240_000 }, async () => {
    const config = { namespace: "velero", labels: { "velero.io/plugin-config": "" } };
    await cluster.apply(
      ...workload,
      { apiVersion: "v1", kind: "ConfigMap", metadata: { ...config, labels: {}, name: "rules" }, data: { rules } },
      {
        ...{ apiVersion: "v1", kind: "ConfigMap", data: { all: "registry.old,registry.new" } },
        metadata: {
          ...config,
          name: "images",
          labels: { ...config.labels, "velero.io/change-image-name": "RestoreItemAction" },
        },
      },
    );
    const velero = await startVeleroServer(cluster);
    await cluster.kubectl("-n", "velero", "wait", "--for=jsonpath={.status.phase}=Available", "bsl/default");
    await cluster.velero("backup", "create", "b1", "--include-namespaces", "demo", "--wait");
    // The port that somebody asked for can be had once only.
    await cluster.kubectl("-n", "demo", "delete", "service", "asked");
    await restoreInto("theirs");
    const theirs = await restoredInto("theirs");
    await velero.stop();
    await cluster.kubectl("-n", "theirs", "delete", "service", "asked");
    await cluster.startServer();
    await eventually("our server sees the Backup", async () => (await cluster.get("backups", "b1")) !== undefined);
    await restoreInto("ours");
    const ours = await restoredInto("ours");
    const changed = JSON.stringify(theirs);
    for (const sign of ["registry.new/shop:1", '"name":"side"', '"patched":"here"', "yes-please", '"number":"7"']) {
      assert.ok(changed.includes(sign), `Velero has changed what it was told to: ${sign}`);
    }
    assert.deepEqual(Object.keys(ours).toSorted(), Object.keys(theirs).toSorted());
    assert.ok(Object.keys(ours).length >= 15);
    for (const [name, object] of Object.entries(theirs)) assert.deepEqual(ours[name], object, name);
  });
});
