import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Pod } from "../../src/api/core.ts";
import type { KubeObject } from "../../src/api/kube-object.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { MemoryContents } from "../support/memory-contents.ts";
import { type AnyObject, type RestoreObjectsRig, startRestoreObjectsRig } from "../support/restore-objects-rig.ts";

const core = "/api/v1/namespaces";
const apps = "/apis/apps/v1/namespaces";
const rbac = "/apis/rbac.authorization.k8s.io/v1";
const nothing = { warnings: {}, errors: {} };

describe("restoreObjects on the real control plane", () => {
  let rig: RestoreObjectsRig;
  before(async () => {
    rig = await startRestoreObjectsRig();
  });
  after(async () => await rig.stop());

  const podSpec = {
    terminationGracePeriodSeconds: 0,
    containers: [{ name: "main", image: "shop:1", volumeMounts: [{ name: "data", mountPath: "/data" }] }],
    volumes: [{ name: "data", persistentVolumeClaim: { claimName: "data" } }],
  };

  const makeShop = async (namespace: string): Promise<void> => {
    await rig.makeNamespace(namespace, { labels: { team: "blue" }, annotations: { owner: "ann" } });
    const labels = { app: "shop" };
    await rig.make(`${core}/${namespace}/configmaps`, { metadata: { name: "settings" }, data: { a: "1" } });
    await rig.make(`${core}/${namespace}/secrets`, { metadata: { name: "key" }, stringData: { key: "secret" } });
    await rig.make(`${core}/${namespace}/persistentvolumeclaims`, {
      metadata: { name: "data" },
      spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
    });
    await rig.make(`${core}/${namespace}/services`, {
      metadata: { name: "web" },
      spec: { selector: labels, ports: [{ port: 80 }] },
    });
    await rig.make(`${apps}/${namespace}/deployments`, {
      metadata: { name: "web" },
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: podSpec } },
    });
    await rig.make(`${core}/${namespace}/pods`, {
      metadata: { name: "web-1", labels },
      spec: { ...podSpec, nodeName: "node-1" },
    });
  };

  /** What a user would compare. */
  const contentOf = async (path: string): Promise<unknown> => {
    const { metadata, status: _status, ...rest } = await rig.get(path);
    const { labels = {}, annotations = {} } = metadata;
    const own = Object.entries(labels).filter(([name]) => !name.startsWith("velero.io/"));
    return { ...rest, name: metadata.name, labels: Object.fromEntries(own), annotations };
  };

  it("brings a lost namespace back with all that was in it", async () => {
    await makeShop("shop");
    const paths = [
      `${core}/shop`,
      `${core}/shop/configmaps/settings`,
      `${core}/shop/secrets/key`,
      `${core}/shop/persistentvolumeclaims/data`,
      `${apps}/shop/deployments/web`,
    ];
    const originals = await Promise.all(paths.map(contentOf));
    const contents = await rig.backUp("shop");
    await rig.lose(contents, "shop");
    assert.equal(await rig.find(`${core}/shop`), undefined);

    const run = await rig.restore(contents);

    assert.deepEqual(run.results, nothing);
    assert.deepEqual(await Promise.all(paths.map(contentOf)), originals);
    assert.deepEqual(run.resourceList, {
      "apps/v1/Deployment": ["shop/web(created)"],
      "v1/ConfigMap": ["shop/settings(created)"],
      "v1/Namespace": ["shop(created)"],
      "v1/PersistentVolumeClaim": ["shop/data(created)"],
      "v1/Pod": ["shop/web-1(created)"],
      "v1/Secret": ["shop/key(created)"],
      "v1/Service": ["shop/web(created)"],
    });
    assert.deepEqual(run.progress, { totalItems: 7, itemsRestored: 7 });
    assert.deepEqual(run.pods, ["shop/web-1"]);
    const pod = (await rig.get(`${core}/shop/pods/web-1`)) as AnyObject & { spec: { nodeName?: string } };
    assert.equal(pod.spec.nodeName, undefined, "the scheduler decides anew");
    assert.equal(pod.metadata.labels?.["velero.io/backup-name"], "b1");
    assert.equal(pod.metadata.labels?.["velero.io/restore-name"], "r1");
  });

  it("restores into other namespaces, and the names in bindings and volumes follow", async () => {
    await rig.makeNamespace("from", { labels: { team: "red" } });
    await rig.make(`${core}/from/serviceaccounts`, { metadata: { name: "builder" } });
    const subjects = ["from", "elsewhere"].map((namespace) => ({ kind: "ServiceAccount", name: "builder", namespace }));
    const role = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" };
    await rig.make(`${rbac}/namespaces/from/rolebindings`, { metadata: { name: "view" }, subjects, roleRef: role });
    const binding = await rig.make(`${rbac}/clusterrolebindings`, {
      ...{ metadata: { name: "from-view" }, subjects, roleRef: role },
    });
    const contents = await rig.backUp("from");
    contents.add("clusterrolebindings.rbac.authorization.k8s.io", binding);
    await rig.controlPlane.must("DELETE", `${rbac}/clusterrolebindings/from-view`);

    const run = await rig.restore(contents, { spec: { namespaceMapping: { from: "to" } } });

    assert.deepEqual(run.results, nothing);
    assert.deepEqual((await rig.get(`${core}/to`)).metadata.labels?.team, "red");
    const mapped = ["to", "elsewhere"];
    for (const path of [`${rbac}/namespaces/to/rolebindings/view`, `${rbac}/clusterrolebindings/from-view`]) {
      const { subjects: found } = (await rig.get(path)) as unknown as { subjects: { namespace: string }[] };
      assert.deepEqual(
        found.map(({ namespace }) => namespace),
        mapped,
        path,
      );
    }
    assert.deepEqual(run.resourceList["v1/ServiceAccount"], ["to/builder(created)"]);
    assert.deepEqual(run.resourceList["v1/Namespace"], ["to(created)"]);
  });

  it("leaves cluster-scoped objects alone when only namespaces are asked for", async () => {
    const contents = new MemoryContents();
    const meta = { apiVersion: "v1", kind: "Namespace" };
    for (const name of ["in", "out"]) contents.add("namespaces", { ...meta, metadata: { name } });
    const priority = { apiVersion: "scheduling.k8s.io/v1", kind: "PriorityClass", value: 7 };
    for (const name of ["needed", "other"]) {
      contents.add("priorityclasses.scheduling.k8s.io", { ...priority, metadata: { name } } as KubeObject);
    }
    const spec = { ...podSpec, volumes: [], containers: [{ name: "main", image: "shop:1" }] };
    const pod = { apiVersion: "v1", kind: "Pod", spec: { ...spec, priorityClassName: "needed", priority: 7 } };
    contents.add("pods", { ...pod, metadata: { name: "web-1", namespace: "in" } } as KubeObject);
    const run = await rig.restore(contents, { spec: { includedNamespaces: ["in", "absent"] } });
    assert.deepEqual(run.results.warnings.velero, ["nothing of namespace absent is in the backup"]);
    assert.deepEqual(run.results.errors, {});
    assert.deepEqual(run.resourceList, {
      "scheduling.k8s.io/v1/PriorityClass": ["needed(created)"],
      "v1/Namespace": ["in(created)"],
      "v1/Pod": ["in/web-1(created)"],
    });
    assert.equal(await rig.find(`${core}/out`), undefined);
  });

  it("chooses by labels, and makes the namespace of what it chose", async () => {
    const contents = new MemoryContents();
    const config = { apiVersion: "v1", kind: "ConfigMap" };
    for (const [name, app] of [
      ["one", "shop"],
      ["two", "bank"],
      ["three", "park"],
    ] as const) {
      contents.add("configmaps", { ...config, metadata: { name, namespace: "chosen", labels: { app } } });
    }
    const orLabelSelectors = ["shop", "park"].map((app) => ({ matchLabels: { app } }));
    const run = await rig.restore(contents, { spec: { orLabelSelectors } });
    assert.deepEqual(run.resourceList["v1/ConfigMap"], ["chosen/one(created)", "chosen/three(created)"]);
    assert.deepEqual(run.progress, { totalItems: 2, itemsRestored: 2 });
  });

  it("leaves cluster roles and webhooks out where the server or the Restore says so", async () => {
    const contents = new MemoryContents();
    const role = { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", rules: [] };
    contents.add("clusterroles.rbac.authorization.k8s.io", { ...role, metadata: { name: "restored" } });
    const hook = {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingWebhookConfiguration",
      webhooks: [],
    };
    contents.add("validatingwebhookconfigurations.admissionregistration.k8s.io", { ...hook, metadata: { name: "x" } });
    const annotation = "stowage.dev/restore-cluster-rbac-and-webhooks";
    const attempts = [
      { options: { clusterRbacAndWebhooks: "false" }, annotations: { [annotation]: "true" } },
      { options: { clusterRbacAndWebhooks: "on-request" } },
      { options: { clusterRbacAndWebhooks: "true" }, annotations: { [annotation]: "false" } },
    ] as const;
    for (const attempt of attempts) {
      const run = await rig.restore(contents, attempt);
      assert.deepEqual([run.resourceList, run.results.warnings.cluster?.length], [{}, 2]);
    }
    const allowed = {
      options: { clusterRbacAndWebhooks: "on-request" },
      annotations: { [annotation]: "true" },
    } as const;
    const run = await rig.restore(contents, allowed);
    assert.deepEqual(run.results, nothing);
    assert.ok(await rig.find(`${rbac}/clusterroles/restored`));
  });

  it("reports what cannot be read or created, and restores the rest", async () => {
    const contents = new MemoryContents();
    const config = { apiVersion: "v1", kind: "ConfigMap" };
    contents.add("configmaps", { ...config, metadata: { name: "good", namespace: "mixed" } });
    contents.add("configmaps", { ...config, metadata: { name: "Not A Name", namespace: "mixed" } });
    const read = contents.read.bind(contents);
    contents.add("secrets", { apiVersion: "v1", kind: "Secret", metadata: { name: "torn", namespace: "mixed" } });
    contents.read = (kind, address) =>
      kind === "secrets" ? Promise.reject(new Error("it is no JSON")) : read(kind, address);
    const run = await rig.restore(contents);
    const errors = (run.results.errors.namespaces?.mixed ?? []).toSorted();
    assert.equal(errors.length, 2);
    assert.match(errors[0] ?? "", /error restoring configmaps mixed\/Not A Name: .*Invalid value/);
    assert.match(errors[1] ?? "", /error restoring secrets mixed\/torn: it is no JSON/);
    assert.deepEqual(run.resourceList["v1/ConfigMap"], ["mixed/Not A Name(failed)", "mixed/good(created)"]);
    assert.deepEqual(run.progress, { totalItems: 3, itemsRestored: 3 });
  });

  it("does not make a pod that cannot be prepared, and keeps one whose data cannot be begun", async () => {
    const contents = new MemoryContents();
    const spec = { terminationGracePeriodSeconds: 0, containers: [{ name: "main", image: "shop:1" }] };
    const pod = { apiVersion: "v1", kind: "Pod", spec };
    for (const name of ["one", "two"]) contents.add("pods", { ...pod, metadata: { name, namespace: "stubborn" } });
    const failFor = (name: string) => (tried: Pod) =>
      tried.metadata.name === name ? Promise.reject(new Error(`not ${name}`)) : Promise.resolve(tried);
    const begun = failFor("two");
    const onPodRestored = async (made: Pod): Promise<void> => void (await begun(made));
    const run = await rig.restore(contents, { options: { transformPod: failFor("one"), onPodRestored } });
    assert.deepEqual((run.results.errors.namespaces?.stubborn ?? []).toSorted(), [
      "error restoring pods stubborn/one: not one",
      "pod two was created, but: not two",
    ]);
    assert.deepEqual(run.resourceList["v1/Pod"], ["stubborn/one(failed)", "stubborn/two(created)"]);
    assert.equal(await rig.find(`${core}/stubborn/pods/one`), undefined);
  });

  it("refuses an object that lies under the name of another kind, and one that a modifier turns into a forbidden kind", async () => {
    const role = { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", metadata: { name: "smuggled" } };
    const contents = new MemoryContents();
    contents.add("storageclasses.storage.k8s.io", { ...role, rules: [] } as KubeObject);
    contents.add("priorityclasses.scheduling.k8s.io", { metadata: { name: "nothing" } });
    const priority = {
      apiVersion: "scheduling.k8s.io/v1",
      kind: "PriorityClass",
      value: 1,
      metadata: { name: "smuggled" },
    };
    contents.add("priorityclasses.scheduling.k8s.io", priority as KubeObject);
    const patches = [
      { operation: "replace", path: "/kind", value: "ClusterRole" },
      { operation: "replace", path: "/apiVersion", value: role.apiVersion },
    ];
    const rule = { conditions: { groupResource: "**", resourceNameRegex: "smuggled" }, patches };
    const rules = JSON.stringify({ version: "v1", resourceModifierRules: [rule] });
    await rig.make(`${core}/velero/configmaps`, { metadata: { name: "rules" }, data: { rules } });
    const run = await rig.restore(contents, {
      spec: { resourceModifier: { kind: "ConfigMap", name: "rules" } },
      options: { clusterRbacAndWebhooks: "false" },
    });
    const [first, second, third] = (run.results.errors.cluster ?? []).toSorted();
    assert.match(first ?? "", /priorityclasses.* nothing: it has no apiVersion or no kind/);
    assert.match(second ?? "", /smuggled: a resource modifier made a ClusterRole of it: the server runs with/);
    assert.match(third ?? "", /the backup has a ClusterRole .* in place of one of the storageclasses.storage.k8s.io/);
    assert.equal(await rig.find(`${rbac}/clusterroles/smuggled`), undefined);
  });

  it("waits for a namespace that is being deleted, and says once when it does not go", async () => {
    await rig.makeNamespace("dying");
    await rig.controlPlane.must("DELETE", `${core}/dying`);
    const contents = new MemoryContents();
    const config = { apiVersion: "v1", kind: "ConfigMap" };
    for (const name of ["one", "two"])
      contents.add("configmaps", { ...config, metadata: { name, namespace: "dying" } });
    const hopeless = await rig.restore(contents);
    const [error, ...more] = hopeless.results.errors.namespaces?.dying ?? [];
    assert.match(error ?? "", /nothing can be restored into namespace dying: .* is being deleted/);
    assert.deepEqual([more, hopeless.resourceList["v1/ConfigMap"]], [[], ["dying/one(failed)", "dying/two(failed)"]]);

    // It goes while the restore waits.
    const release = async (): Promise<void> => {
      const body = { metadata: { name: "dying" }, spec: { finalizers: [] } };
      await rig.controlPlane.must("PUT", `${core}/dying/finalize`, body);
    };
    const clock = { ...systemClock, sleep: release };
    const patient = await rig.restore(contents, { options: { terminatingTimeoutMs: 20_000, clock } });
    assert.deepEqual(patient.resourceList["v1/ConfigMap"], ["dying/one(created)", "dying/two(created)"]);
  });

  it("gives server-side applied fields back to those who had applied them", async () => {
    await rig.makeNamespace("applied");
    const apply = async (data: object): Promise<AnyObject> => {
      const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings" }, data };
      const path = `${core}/applied/configmaps/settings?fieldManager=gitops`;
      return (await rig.controlPlane.must("PATCH", path, body, "application/apply-patch+yaml")) as AnyObject;
    };
    await apply({ a: "1", b: "2" });
    const contents = await rig.backUp("applied");
    await rig.lose(contents, "applied");
    assert.deepEqual((await rig.restore(contents)).results, nothing);
    assert.deepEqual((await apply({ a: "9" })).data, { a: "9" }, "no conflict, and b goes because nobody names it");
  });

  it("says so when nothing fits", async () => {
    const run = await rig.restore(new MemoryContents());
    assert.deepEqual(run.results.warnings, { velero: ["nothing in the backup is what the restore asks for"] });
  });

  it("ends the run, to be repeated, when the API server cannot be reached", async () => {
    const contents = new MemoryContents();
    const config = { apiVersion: "v1", kind: "ConfigMap" };
    for (const name of ["one", "two"]) contents.add("configmaps", { ...config, metadata: { name, namespace: "late" } });
    const read = contents.read.bind(contents);
    contents.read = async (kind, address) => {
      if (address.name === "two") await rig.controlPlane.haltApiServer();
      return await read(kind, address);
    };
    const clock = { ...systemClock, sleep: () => Promise.resolve() };
    await assert.rejects(rig.restore(contents, { options: { clock } }), { code: "unavailable" });
    await rig.controlPlane.resumeApiServer();
    contents.read = read;
    assert.equal((await rig.restore(contents)).resourceList["v1/ConfigMap"]?.length, 2);
  });
});
