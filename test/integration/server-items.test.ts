// Which objects a Backup saves, on the real API server: filters, order, relations, each once, and what happens on the way.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { connectToCluster } from "../../src/kube/kube-connection.ts";
import { KubeError } from "../../src/kube/kube-errors.ts";
import { TypedClient } from "../../src/kube/typed-client.ts";
import { type ItemsRig, type SavedItems, startItemsRig } from "../support/items-rig.ts";
import { openFilesBelow } from "../support/open-files.ts";

let rig: ItemsRig;

const excluded = { "velero.io/exclude-from-backup": "true" };
const rbac = "/apis/rbac.authorization.k8s.io/v1";

before(async () => {
  rig = await startItemsRig();
  for (const name of ["shop", "bank"]) await makeNamespace(name);
  await rig.make("/api/v1/namespaces", { metadata: { name: "hidden", labels: excluded } });
  await makeVolumes();
  await makePods();
  await makeRights();
  await makeCustom();
});
after(() => rig.stop());

async function makeNamespace(name: string): Promise<void> {
  await rig.make("/api/v1/namespaces", { metadata: { name, labels: { team: name } } });
  const core = `/api/v1/namespaces/${name}`;
  await rig.make(`${core}/configmaps`, { metadata: { name: "settings", labels: { app: "web" } }, data: { a: "b" } });
  await rig.make(`${core}/configmaps`, { metadata: { name: "left-out", labels: { app: "web", ...excluded } } });
  await rig.make(`${core}/secrets`, { metadata: { name: "key", labels: { app: "db" } }, stringData: { a: "b" } });
  await rig.make(`${core}/serviceaccounts`, { metadata: { name: "runner" } });
  const template = { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "i" }] } };
  await rig.make(`/apis/apps/v1/namespaces/${name}/deployments`, {
    metadata: { name: "web", labels: { app: "web" } },
    spec: { selector: { matchLabels: { app: "web" } }, template },
  });
}

async function makeVolumes(): Promise<void> {
  const size = { storage: "1Gi" };
  for (const name of ["data", "spare"]) {
    await rig.make("/api/v1/persistentvolumes", {
      metadata: { name: `pv-${name}` },
      spec: { capacity: size, accessModes: ["ReadWriteOnce"], csi: { driver: "test.csi", volumeHandle: name } },
    });
  }
  await rig.make("/api/v1/namespaces/shop/persistentvolumeclaims", {
    metadata: { name: "data" },
    spec: {
      ...{ accessModes: ["ReadWriteOnce"], resources: { requests: size }, volumeName: "pv-data" },
      ...{ storageClassName: "fast", selector: { matchLabels: { disk: "1" } } },
      dataSource: { kind: "PersistentVolumeClaim", name: "origin" },
    },
  });
  const path = "/api/v1/namespaces/shop/persistentvolumeclaims/data/status";
  const bound = { status: { phase: "Bound" } };
  await rig.controlPlane.must("PATCH", path, bound, "application/merge-patch+json");
}

async function makePods(): Promise<void> {
  await rig.make("/apis/scheduling.k8s.io/v1/priorityclasses", { metadata: { name: "urgent" }, value: 10 });
  const volumes = [{ name: "data", persistentVolumeClaim: { claimName: "data" } }];
  for (const name of ["a", "b", "c", "d"]) {
    await rig.make("/api/v1/namespaces/shop/pods", {
      metadata: { name, labels: { app: name === "a" ? "web" : "other" } },
      spec: {
        ...{ containers: [{ name: "c", image: "i" }], volumes, terminationGracePeriodSeconds: 0 },
        ...(name === "a" ? { priorityClassName: "urgent" } : {}),
      },
    });
  }
  await rig.make("/api/v1/namespaces/shop/pods", {
    metadata: { name: "leaving", finalizers: ["test.example.com/wait"] },
    spec: { containers: [{ name: "c", image: "i" }] },
  });
  await rig.controlPlane.must("DELETE", "/api/v1/namespaces/shop/pods/leaving");
}

async function makeRights(): Promise<void> {
  for (const name of ["read-all", "unrelated"])
    await rig.make(`${rbac}/clusterroles`, { metadata: { name }, rules: [] });
  const binding = (name: string, role: string, subject: object) =>
    rig.make(`${rbac}/clusterrolebindings`, {
      metadata: { name },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
      subjects: [subject],
    });
  await binding("runner-of-shop", "read-all", { kind: "ServiceAccount", namespace: "shop", name: "runner" });
  await binding("runner-elsewhere", "unrelated", { kind: "ServiceAccount", namespace: "other", name: "runner" });
}

async function makeCustom(): Promise<void> {
  const schema = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
  for (const [plural, kind, group] of [
    ["gadgets", "Gadget", "shop.example.com"],
    ["snapshots", "S", "x.example.com"],
  ]) {
    await rig.make("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
      metadata: { name: `${plural}.${group}` },
      spec: {
        ...{ group, scope: "Namespaced", names: { plural, kind, singular: plural?.slice(0, -1) } },
        versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: schema } }],
      },
    });
  }
  const text = '{"apiVersion":"shop.example.com/v1","kind":"Gadget","metadata":{"name":"g"},"at":1732212345678901234}';
  const { code, stderr } = await rig.controlPlane.kubectl([
    "wait",
    "--for=condition=Established",
    "crd/gadgets.shop.example.com",
    "--timeout=30s",
  ]);
  assert.equal(code, 0, stderr);
  const made = await rig.controlPlane.kubectl(["create", "-n", "shop", "-f", "-"], text);
  assert.equal(made.code, 0, made.stderr);
}

/** Of a kind. */
function of(saved: SavedItems, kind: string): string[] {
  return saved.paths.filter((path) => path.startsWith(`${kind}/`)).map((path) => path.slice(kind.length + 1));
}

const kindsOf = (saved: SavedItems): string[] => [
  ...new Set(saved.paths.map((path) => path.slice(0, path.indexOf("/")))),
];

test("a whole cluster: everything that can be brought back, each object once and in two places", async () => {
  const saved = await rig.backUp({});
  assert.deepEqual(saved.log.errors, []);
  assert.equal(new Set(saved.paths).size, saved.paths.length);
  assert.equal(saved.entries.size, 1 + 2 * saved.paths.length);
  assert.deepEqual(kindsOf(saved).slice(0, 3), ["pods", "persistentvolumeclaims", "persistentvolumes"]);
  assert.deepEqual(of(saved, "persistentvolumes").sort(), ["pv-data", "pv-spare"]);
  assert.ok(of(saved, "clusterroles.rbac.authorization.k8s.io").includes("unrelated"));
  assert.deepEqual(of(saved, "customresourcedefinitions.apiextensions.k8s.io").sort(), [
    "gadgets.shop.example.com",
    "snapshots.x.example.com",
  ]);
  for (const kind of ["componentstatuses", "bindings", "tokenreviews.authentication.k8s.io"])
    assert.deepEqual(of(saved, kind), [], kind);
  assert.deepEqual(saved.resourceList["v1/Pod"], ["shop/a", "shop/b", "shop/c", "shop/d"]);
  assert.deepEqual(saved.resourceList["v1/PersistentVolume"], ["pv-data", "pv-spare"]);
  const count = Object.values(saved.resourceList).flat().length;
  assert.deepEqual([count, saved.progress], [saved.paths.length, { totalItems: count, itemsBackedUp: count }]);
});

test("what is labelled out, being deleted or in a namespace that is left out is not saved", async () => {
  const saved = await rig.backUp({ excludedNamespaces: ["bank"] });
  assert.deepEqual(
    of(saved, "configmaps").filter((name) => !name.startsWith("kube-")),
    ["shop/settings"],
  );
  assert.ok(!of(saved, "pods").includes("shop/leaving"));
  const namespaces = of(saved, "namespaces");
  assert.ok(namespaces.includes("shop") && !namespaces.includes("bank") && !namespaces.includes("hidden"));
  assert.deepEqual(
    of(saved, "clusterrolebindings.rbac.authorization.k8s.io"),
    ["runner-of-shop"],
    "not the whole cluster",
  );
});

test("one namespace brings the cluster's objects that it stands on, and no others", async () => {
  const saved = await rig.backUp({ includedNamespaces: ["shop"] });
  const cluster = saved.paths.filter((path) => path.split("/").length === 2).sort();
  assert.deepEqual(cluster, [
    "clusterrolebindings.rbac.authorization.k8s.io/runner-of-shop",
    "clusterroles.rbac.authorization.k8s.io/read-all",
    "customresourcedefinitions.apiextensions.k8s.io/gadgets.shop.example.com",
    "namespaces/shop",
    "persistentvolumes/pv-data",
    "priorityclasses.scheduling.k8s.io/urgent",
  ]);
  assert.ok(saved.paths.includes("deployments.apps/shop/web"));
  assert.ok(saved.paths.every((path) => !path.includes("/bank/")));
  assert.deepEqual(saved.resourceList["apiextensions.k8s.io/v1/CustomResourceDefinition"], [
    "gadgets.shop.example.com",
  ]);
});

test("includeClusterResources: true brings all of the cluster, false nothing but the namespaces themselves", async () => {
  const all = await rig.backUp({ includedNamespaces: ["shop"], includeClusterResources: true });
  assert.ok(of(all, "persistentvolumes").includes("pv-spare"));
  const none = await rig.backUp({ includedNamespaces: ["shop"], includeClusterResources: false });
  assert.deepEqual(
    none.paths.filter((path) => path.split("/").length === 2),
    ["namespaces/shop"],
  );
  assert.ok(none.paths.includes("pods/shop/a"));
});

test("included and excluded kinds, by whatever name; what is not served is a warning", async () => {
  const some = await rig.backUp({ includedResources: ["cm", "Deployment", "gadgets.shop.example.com", "nothings"] });
  assert.deepEqual(kindsOf(some), ["configmaps", "deployments.apps", "gadgets.shop.example.com"]);
  assert.match(some.log.warnings.join("\n"), /^velero: spec.includedResources names nothings, which this cluster/);
  const spec = { includedNamespaces: ["shop"], excludedResources: ["pods", "secrets", "pv", "*.example.com"] };
  const kinds = kindsOf(await rig.backUp(spec));
  for (const kind of ["pods", "secrets", "persistentvolumes", "gadgets.shop.example.com"])
    assert.ok(!kinds.includes(kind), kind);
  assert.ok(kinds.includes("persistentvolumeclaims"));
});

test("the lists by scope: kinds of the cluster only when named, and what is related unless it is named out", async () => {
  const shop = { includedNamespaces: ["shop"] };
  const some = await rig.backUp({ ...shop, includedNamespaceScopedResources: ["persistentvolumeclaims"] });
  assert.deepEqual(some.paths, ["persistentvolumeclaims/shop/data", "persistentvolumes/pv-data", "namespaces/shop"]);
  const named = await rig.backUp({
    ...{ ...shop, includedNamespaceScopedResources: ["configmaps"], includedClusterScopedResources: ["clusterroles"] },
  });
  assert.deepEqual(kindsOf(named), ["configmaps", "namespaces", "clusterroles.rbac.authorization.k8s.io"]);
  const without = await rig.backUp({
    ...{
      ...shop,
      excludedClusterScopedResources: ["persistentvolumes"],
      excludedNamespaceScopedResources: ["secrets"],
    },
  });
  assert.ok(!kindsOf(without).includes("persistentvolumes") && !kindsOf(without).includes("secrets"));
  assert.ok(kindsOf(without).includes("priorityclasses.scheduling.k8s.io"));
  const onlyCluster = await rig.backUp({
    excludedNamespaceScopedResources: ["*"],
    includedClusterScopedResources: ["*"],
  });
  assert.ok(onlyCluster.paths.every((path) => path.split("/").length === 2));
  assert.ok(kindsOf(onlyCluster).includes("persistentvolumes"));
});

test("a label selector takes what matches, with what that stands on, and the namespaces in use", async () => {
  const saved = await rig.backUp({ labelSelector: { matchLabels: { app: "web" } } });
  assert.deepEqual(saved.paths.toSorted(), [
    "configmaps/bank/settings",
    "configmaps/shop/settings",
    "deployments.apps/bank/web",
    "deployments.apps/shop/web",
    "namespaces/bank",
    "namespaces/shop",
    "persistentvolumeclaims/shop/data",
    "persistentvolumes/pv-data",
    "pods/shop/a",
    "priorityclasses.scheduling.k8s.io/urgent",
  ]);
  const expression = { matchExpressions: [{ key: "app", operator: "In" as const, values: ["db", "none"] }] };
  const secrets = await rig.backUp({ labelSelector: expression, includedNamespaces: ["bank"] });
  assert.deepEqual(secrets.paths, ["secrets/bank/key", "namespaces/bank"]);
});

test("several selectors give what any of them matches, each object once", async () => {
  const saved = await rig.backUp({
    includedNamespaces: ["shop"],
    includedResources: ["configmaps", "secrets"],
    orLabelSelectors: [
      { matchLabels: { app: "web" } },
      { matchLabels: { app: "db" } },
      { matchExpressions: [{ key: "app", operator: "Exists" }] },
    ],
  });
  assert.deepEqual(saved.paths, ["configmaps/shop/settings", "secrets/shop/key"]);
  assert.equal(saved.progress.totalItems, 2);
});

test("a selector that matches a namespace alone saves that namespace", async () => {
  const saved = await rig.backUp({ labelSelector: { matchLabels: { team: "bank" } } });
  assert.deepEqual(saved.paths, ["namespaces/bank"]);
});

test("ordered resources go first, blanks do not matter, and a name that is not there is a warning", async () => {
  const spec = { includedNamespaces: ["shop"], includedResources: ["pods"] };
  const saved = await rig.backUp({ ...spec, orderedResources: { pod: "shop/c, shop/gone,shop/a" } });
  assert.deepEqual(of(saved, "pods"), ["shop/c", "shop/a", "shop/b", "shop/d"]);
  assert.deepEqual(saved.progress, { totalItems: 4, itemsBackedUp: 4 });
  assert.deepEqual(saved.log.warnings, [
    "namespace shop: spec.orderedResources names pods shop/gone, which is not in this backup",
  ]);
});

test("objects are saved with kind, status and every digit; a bound claim without what it was once made from", async () => {
  const saved = await rig.backUp({ includedNamespaces: ["shop"] });
  const pod = saved.object<{ apiVersion: string; kind: string; status: { phase: string } }>("pods/shop/a");
  assert.deepEqual([pod.apiVersion, pod.kind, pod.status.phase], ["v1", "Pod", "Pending"]);
  const claim = saved.object<{ spec: Record<string, unknown> }>("persistentvolumeclaims/shop/data");
  assert.equal(claim.spec.volumeName, "pv-data");
  for (const field of ["dataSource", "dataSourceRef", "selector"]) assert.ok(!(field in claim.spec), field);
  const gadget = saved.entries.get("resources/gadgets.shop.example.com/namespaces/shop/g.json")?.content ?? "";
  assert.match(gadget, /"at":1732212345678901234[,}]/);
  // And back: what the client reads it can also write.
  const kind = { group: "shop.example.com", version: "v1", plural: "gadgets", kind: "Gadget", isNamespaced: true };
  const { metadata, ...rest } = structuredClone(await rig.client.get(kind, { namespace: "shop", name: "g" }));
  await rig.client.create(kind, { ...rest, metadata: { namespace: "bank", name: "g2" } });
  const copy = await rig.controlPlane.kubectl(["get", "-n", "bank", "gadgets.shop.example.com", "g2", "-o", "json"]);
  assert.match(copy.stdout, /"at": 1732212345678901234,/);
  assert.equal(metadata.name, "g");
});

test("a CRD made a moment ago is seen", async () => {
  const schema = { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } };
  await rig.make("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
    metadata: { name: "news.fresh.example.com" },
    spec: {
      ...{ group: "fresh.example.com", scope: "Namespaced", names: { plural: "news", kind: "News" } },
      versions: [{ name: "v1", served: true, storage: true, schema }],
    },
  });
  await rig.controlPlane.kubectl(["wait", "--for=condition=Established", "crd/news.fresh.example.com"]);
  const news = { apiVersion: "fresh.example.com/v1", kind: "News", metadata: { name: "n" } };
  const made = await rig.controlPlane.kubectl(["create", "-n", "bank", "-f", "-"], JSON.stringify(news));
  assert.equal(made.code, 0, made.stderr);
  const saved = await rig.backUp({ includedNamespaces: ["bank"] });
  assert.ok(saved.paths.includes("news.fresh.example.com/bank/n"), saved.paths.join());
});

test("an item that is refused is left out and nothing else; progress counts it as found", async () => {
  const seen: string[] = [];
  const saved = await rig.backUp(
    { includedNamespaces: ["shop"], includedResources: ["pods", "configmaps"] },
    {
      onItem: (resource, object) => {
        seen.push(`${resource.plural}/${object.metadata.name} ${object.kind}`);
        return Promise.resolve(object.metadata.name !== "b");
      },
    },
  );
  assert.deepEqual(seen.slice(0, 4), ["pods/a Pod", "pods/b Pod", "pods/c Pod", "pods/d Pod"]);
  assert.deepEqual(of(saved, "pods"), ["shop/a", "shop/c", "shop/d"]);
  assert.deepEqual(saved.resourceList["v1/Pod"], ["shop/a", "shop/c", "shop/d"]);
  assert.deepEqual(saved.progress, { totalItems: 5, itemsBackedUp: 4 });
});

test("a pod that takes long holds up nobody but the next such pod", async () => {
  const { promise: othersSaved, resolve } = Promise.withResolvers<void>();
  const events: string[] = [];
  const isLong = (name: string): boolean => name === "a" || name === "b";
  await rig.backUp(
    { includedNamespaces: ["shop"], includedResources: ["pods", "secrets"] },
    {
      mayTakeLong: (_resource, { metadata }) => isLong(metadata.name),
      onItem: async (_resource, { metadata: { name } }) => {
        events.push(`begin ${name}`);
        if (name === "a") await othersSaved;
        return true;
      },
      onSaved: (_resource, { metadata: { name } }) => {
        events.push(`end ${name}`);
        if (name === "key") resolve();
        return Promise.resolve();
      },
    },
  );
  assert.ok(events.indexOf("end key") < events.indexOf("end a"), events.join());
  assert.ok(events.indexOf("end a") < events.indexOf("begin b"), events.join());
  assert.equal(events.filter((event) => event.startsWith("end")).length, 5);
});

test("what may not be read is an error of its own; the rest is saved", async () => {
  const kubeconfig = await rig.controlPlane.serviceAccountKubeconfig("bank", "reader");
  const apiGroups = [""];
  const resources = ["namespaces", "configmaps", "persistentvolumeclaims", "serviceaccounts"];
  const rules = [{ apiGroups, resources, verbs: ["get", "list"] }];
  await rig.make(`${rbac}/clusterroles`, { metadata: { name: "reader" }, rules });
  await rig.make(`${rbac}/clusterrolebindings`, {
    metadata: { name: "reader" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "reader" },
    subjects: [{ kind: "ServiceAccount", namespace: "bank", name: "reader" }],
  });
  const client = new TypedClient({ connection: connectToCluster(kubeconfig) });
  const spec = { includedNamespaces: ["shop"], includedResources: ["configmaps", "secrets"] };
  const saved = await rig.backUp(spec, { client });
  assert.deepEqual(saved.paths, ["configmaps/shop/settings"]);
  assert.match(
    saved.log.errors.join("\n"),
    /^namespace shop: secrets are not backed up: cannot list secrets shop: .*reader/,
  );
});

test("a related object that is labelled out or gone is left out without a word", async () => {
  const volume = "/api/v1/persistentvolumes/pv-data";
  const label = (value: string | null): Promise<unknown> => {
    const patch = { metadata: { labels: { "velero.io/exclude-from-backup": value } } };
    return rig.controlPlane.must("PATCH", volume, patch, "application/merge-patch+json");
  };
  await rig.make("/api/v1/namespaces/bank/persistentvolumeclaims", {
    metadata: { name: "lost" },
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, volumeName: "pv-gone" },
  });
  await label("true");
  const saved = await rig.backUp({ includedNamespaces: ["shop", "bank"] });
  await label(null);
  assert.deepEqual(of(saved, "persistentvolumes"), []);
  assert.deepEqual(of(saved, "persistentvolumeclaims"), ["shop/data", "bank/lost"].toSorted());
  assert.deepEqual([saved.log.errors, saved.log.warnings], [[], []]);
});

test("an API group that could not be read is a warning", async () => {
  const failures = [{ group: "metrics.k8s.io/v1", reason: "away" }];
  const discovery = { ...(await rig.discover()), failures };
  const saved = await rig.backUp({ includedNamespaces: ["bank"], includedResources: ["configmaps"] }, { discovery });
  assert.deepEqual(saved.log.warnings, ["cluster: nothing of the API group metrics.k8s.io/v1 is backed up: away"]);
});

test("many namespaces are read with one list of the cluster when they are most of it, a few by themselves", async () => {
  const names = Array.from({ length: 12 }, (_, index) => `many-${index}`);
  for (const name of names) {
    await rig.make("/api/v1/namespaces", { metadata: { name } });
    await rig.make(`/api/v1/namespaces/${name}/configmaps`, { metadata: { name: "one" } });
  }
  const scopesOf = async (namespaces: readonly string[]): Promise<(string | undefined)[]> => {
    const scopes: (string | undefined)[] = [];
    const client = {
      find: rig.client.find.bind(rig.client),
      listPages: (...args: Parameters<TypedClient["listPages"]>) => {
        if (args[0].plural === "configmaps") scopes.push(args[1]?.namespace);
        return rig.client.listPages(...args);
      },
    } as Pick<TypedClient, "find" | "listPages">;
    const saved = await rig.backUp({ includedNamespaces: namespaces, includedResources: ["configmaps"] }, { client });
    assert.deepEqual(of(saved, "configmaps"), namespaces.map((name) => `${name}/one`).toSorted());
    return scopes;
  };
  assert.deepEqual(await scopesOf(names), [undefined]);
  assert.deepEqual(await scopesOf(names.slice(0, 3)), ["many-0", "many-1", "many-2"]);
});

test("an abort ends it at once and leaves nothing in the scratch folder", async () => {
  const controller = new AbortController();
  const onItem = (): Promise<boolean> => {
    controller.abort(new KubeError("cancelled", "the process ends"));
    return Promise.resolve(true);
  };
  await assert.rejects(rig.backUp({}, { onItem, signal: controller.signal }), { code: "cancelled" });
  assert.deepEqual(readdirSync(rig.scratchDirectory), []);
  assert.deepEqual(openFilesBelow(rig.scratchDirectory), []);
});

test("lists are begun again when the server no longer knows their state", async () => {
  let failures = 0;
  const client = {
    find: rig.client.find.bind(rig.client),
    async *listPages(...args: Parameters<TypedClient["listPages"]>) {
      let pages = 0;
      for await (const page of rig.client.listPages(args[0], { ...args[1], pageSize: 1 })) {
        if (args[0].plural === "pods" && ++pages > 2 && failures < 3) {
          failures++;
          throw new KubeError("gone", "the continue token is too old");
        }
        yield page;
      }
    },
  } as Pick<TypedClient, "find" | "listPages">;
  const saved = await rig.backUp({ includedNamespaces: ["shop"], includedResources: ["pods"] }, { client });
  assert.deepEqual([failures, of(saved, "pods"), saved.log.errors], [3, ["shop/a", "shop/b", "shop/c", "shop/d"], []]);
});
