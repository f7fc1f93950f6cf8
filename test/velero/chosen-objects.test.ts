// The real Velero 1.16 and our server carry out the same Backups of one cluster, one filter after the other; what each has
// saved is then compared by kind and name. (Where Velero also saves the Namespace object of a namespace that is left out, because
// a selector fits its labels, ours does not: no namespace has such labels here.)
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import type { Backup, BackupSpec } from "../../src/api/backup.ts";
import { isBackupEnded } from "../../src/api/phases.ts";
import { type LivingCluster, startLivingCluster } from "../support/living-cluster.ts";
import { eventually } from "../support/processes.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";
import { startVeleroServer } from "../support/velero-server.ts";

let s3: S3Server;
let cluster: LivingCluster;

before(async () => {
  s3 = await startS3Server({ buckets: ["backups"] });
  cluster = await startLivingCluster({ s3, crds: "velero", bucket: "backups", isBare: true });
});

after(async () => {
  await cluster?.stop();
  await s3?.stop();
});

const web = { app: "web" };
const excluded = { "velero.io/exclude-from-backup": "true" };
const size = { storage: "1Gi" };

function namespaceWith(name: string, labels: object): readonly object[] {
  const metadata = (own: string, more: object = {}): object => ({ name: own, namespace: name, labels: more });
  const container = { name: "main", image: "none" };
  return [
    { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } },
    { apiVersion: "v1", kind: "ConfigMap", metadata: metadata("settings", web), data: { a: "b" } },
    { apiVersion: "v1", kind: "ConfigMap", metadata: metadata("left-out", { ...web, ...excluded }) },
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: metadata("not-left-out", { "velero.io/exclude-from-backup": "no" }),
    },
    { apiVersion: "v1", kind: "Secret", metadata: metadata("key", { tier: "back" }), stringData: { a: "b" } },
    { apiVersion: "v1", kind: "ServiceAccount", metadata: metadata("runner") },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name: `runs-in-${name}` },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
      subjects: [{ kind: "ServiceAccount", name: "runner", namespace: name }],
    },
    {
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name: `pv-${name}` },
      spec: {
        ...{ capacity: size, accessModes: ["ReadWriteOnce"], storageClassName: "" },
        ...{ csi: { driver: "test.csi", volumeHandle: name }, claimRef: { name: "data", namespace: name } },
      },
    },
    {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: metadata("data"),
      spec: {
        ...{ accessModes: ["ReadWriteOnce"], storageClassName: "" },
        volumeName: `pv-${name}`,
        resources: { requests: size },
      },
    },
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: metadata("web-0", web),
      spec: { containers: [container], volumes: [{ name: "data", persistentVolumeClaim: { claimName: "data" } }] },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: metadata("web", web),
      spec: {
        replicas: 0,
        selector: { matchLabels: web },
        template: { metadata: { labels: web }, spec: { containers: [container] } },
      },
    },
    { apiVersion: "example.com/v1", kind: "Widget", metadata: metadata("one"), spec: { size: 1 } },
  ];
}

function definition(plural: string, kind: string): object {
  const schema = { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.example.com` },
    spec: {
      ...{ group: "example.com", scope: "Namespaced", names: { plural, kind } },
      versions: [{ name: "v1", served: true, storage: true, schema }],
    },
  };
}

const foo = { includedNamespaces: ["foo"] };
const selects = (labels: Record<string, string>): { readonly labelSelector: object } => ({
  labelSelector: { matchLabels: labels },
});

/** By a word that a name of a Backup can have. */
const filters: Readonly<Record<string, BackupSpec>> = {
  one: foo,
  "one-cluster": { ...foo, includeClusterResources: true },
  "one-no-cluster": { ...foo, includeClusterResources: false },
  two: { includedNamespaces: ["foo", "zoo"] },
  absent: { includedNamespaces: ["foo", "absent"] },
  kinds: { ...foo, includedResources: ["pods", "configmaps", "deploy"] },
  "kinds-cluster": { ...foo, includedResources: ["pods", "pv"], includeClusterResources: true },
  "kinds-pvc": { ...foo, includedResources: ["persistentvolumeclaims"] },
  "kinds-pvc-pv": { ...foo, includedResources: ["persistentvolumeclaims", "persistentvolumes"] },
  "kinds-cr": { ...foo, includedResources: ["widgets"] },
  "kinds-cr-crd": { ...foo, includedResources: ["widgets.example.com", "crd"] },
  "kinds-unknown": { ...foo, includedResources: ["configmaps", "unresolvable"] },
  "kinds-none": { ...foo, includedResources: ["unresolvable"] },
  "without-kinds": { ...foo, excludedResources: ["secrets", "pods"] },
  "without-pv": { ...foo, excludedResources: ["persistentvolumes"] },
  "without-crd": { ...foo, excludedResources: ["customresourcedefinitions.apiextensions.k8s.io"] },
  "without-unknown": { ...foo, excludedResources: ["unresolvable", "secrets"] },
  label: { ...foo, ...selects(web) },
  "label-cluster": { ...foo, ...selects(web), includeClusterResources: true },
  labels: { ...foo, orLabelSelectors: [{ matchLabels: web }, { matchLabels: { tier: "back" } }] },
  "label-nothing": { ...foo, ...selects({ app: "none" }) },
  "scope-kinds": { ...foo, includedNamespaceScopedResources: ["pods", "persistentvolumeclaims"] },
  "scope-without": { ...foo, excludedNamespaceScopedResources: ["secrets"] },
  "scope-crds": { ...foo, includedClusterScopedResources: ["customresourcedefinitions"] },
  "scope-kinds-crds": {
    ...{ ...foo, includedNamespaceScopedResources: ["persistentvolumeclaims"] },
    includedClusterScopedResources: ["customresourcedefinitions"],
  },
  "scope-no-cluster": { ...foo, excludedClusterScopedResources: ["*"] },
  "scope-without-pv": { ...foo, excludedClusterScopedResources: ["persistentvolumes"] },
  "scope-pv": { ...foo, includedClusterScopedResources: ["persistentvolumes"] },
  "scope-cr": { ...foo, includedNamespaceScopedResources: ["widgets"] },
  "scope-cr-no-crd": {
    ...{ ...foo, includedNamespaceScopedResources: ["widgets"] },
    excludedClusterScopedResources: ["customresourcedefinitions"],
  },
  "scope-label": { ...foo, ...selects(web), includedNamespaceScopedResources: ["*"] },
  "scope-nothing": {
    ...foo,
    excludedNamespaceScopedResources: ["*"],
    includedClusterScopedResources: ["persistentvolumes"],
  },
};

/** Velero leaves the Namespace out, in which everything else is; ours never does. */
const withoutNamespaces: readonly string[] = ["one-no-cluster"];

async function carryOut(prefix: string): Promise<void> {
  const backups = Object.entries(filters).map(([name, spec]) => ({
    apiVersion: "velero.io/v1",
    kind: "Backup",
    metadata: { name: `${prefix}-${name}`, namespace: "velero", labels: { by: prefix } },
    spec: { ...spec, snapshotVolumes: false },
  }));
  await cluster.apply(...backups);
  const haveEnded = async (): Promise<boolean> =>
    (await cluster.list<Backup>("backups", `by=${prefix}`)).every(isBackupEnded);
  await eventually(`the Backups of ${prefix} have ended`, haveEnded, 240_000).catch((error) => {
    throw new Error(`${error.message}\n${cluster.outputs()}`);
  });
}

/** "v1/Pod foo/web-0", sorted. Events come and go. */
function saved(name: string): readonly string[] {
  const path = join(s3.dataFolder, "backups", "backups", name, `${name}-resource-list.json.gz`);
  const list = JSON.parse(gunzipSync(readFileSync(path)).toString("utf8")) as Readonly<
    Record<string, readonly string[]>
  >;
  const names = Object.entries(list).flatMap(([kind, items]) => items.map((item) => `${kind} ${item}`));
  return names.filter((item) => !item.includes("/Event ")).sort();
}

describe("objects that Velero 1.16 and our server choose for one Backup", () => {
  it("are the same, whatever the filters", { timeout: 600_000 }, async () => {
    await cluster.apply(definition("widgets", "Widget"), definition("gadgets", "Gadget"));
    await cluster.kubectl("wait", "--for=condition=Established", "crd", "widgets.example.com", "gadgets.example.com");
    await cluster.apply(...namespaceWith("foo", { team: "blue" }), ...namespaceWith("zoo", { team: "red" }));
    // Velero saves the volumes of bound claims only; no controller binds them here.
    for (const name of ["foo", "zoo"]) {
      const path = `/api/v1/namespaces/${name}/persistentvolumeclaims/data/status`;
      const bound = { status: { phase: "Bound" } };
      await cluster.controlPlane.must("PATCH", path, bound, "application/merge-patch+json");
    }
    const velero = await startVeleroServer(cluster);
    await cluster.kubectl("-n", "velero", "wait", "--for=jsonpath={.status.phase}=Available", "bsl/default");
    await carryOut("theirs");
    await velero.stop();
    await cluster.startServer();
    await carryOut("ours");
    const compared = (prefix: string): Record<string, readonly string[]> =>
      Object.fromEntries(Object.keys(filters).map((name) => [name, saved(`${prefix}-${name}`)]));
    const [ours, theirs] = [compared("ours"), compared("theirs")];
    for (const name of withoutNamespaces) {
      assert.ok(!theirs[name]?.includes("v1/Namespace foo"), name);
      ours[name] = (ours[name] ?? []).filter((item) => item !== "v1/Namespace foo");
    }
    assert.deepEqual(ours, theirs);
  });
});
