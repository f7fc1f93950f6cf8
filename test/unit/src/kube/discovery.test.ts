import assert from "node:assert/strict";
import { test } from "node:test";
import { discoverResources, groupResourceOf } from "../../../../src/kube/discovery.ts";
import { KubeError } from "../../../../src/kube/kube-errors.ts";

type Answers = Readonly<Record<string, unknown>>;

/** An API server of fixed answers; what is not there is away. */
function clientOf(answers: Answers) {
  const asked: { path: string; accept: string | undefined }[] = [];
  return {
    asked,
    getPath: (path: string, options: { accept?: string } = {}) => {
      asked.push({ path, accept: options.accept });
      const answer = answers[path];
      if (answer !== undefined) return Promise.resolve(answer);
      return Promise.reject(new KubeError("unavailable", `cannot get ${path}: away`));
    },
  };
}

const all = ["create", "delete", "get", "list", "watch"];

function served(resource: string, kind: string, extra: object = {}) {
  const names = { resource, responseKind: { group: "", version: "", kind }, singularResource: kind.toLowerCase() };
  return { ...names, scope: "Namespaced", verbs: all, ...extra };
}

const aggregated: Answers = {
  "/api": {
    kind: "APIGroupDiscoveryList",
    items: [
      {
        metadata: {},
        versions: [
          {
            version: "v1",
            freshness: "Current",
            resources: [
              served("pods", "Pod", { shortNames: ["po"], subresources: [{ subresource: "log" }] }),
              served("events", "Event", { shortNames: ["ev"] }),
              served("namespaces", "Namespace", { scope: "Cluster" }),
            ],
          },
        ],
      },
    ],
  },
  "/apis": {
    kind: "APIGroupDiscoveryList",
    items: [
      { metadata: { name: "events.k8s.io" }, versions: [{ version: "v1", resources: [served("events", "Event")] }] },
      {
        metadata: { name: "apps" },
        versions: [
          { version: "v1", resources: [served("deployments", "Deployment", { shortNames: ["deploy"] })] },
          { version: "v1beta1", resources: [served("deployments", "Deployment"), served("olds", "Old")] },
        ],
      },
      { metadata: { name: "a.example.com" }, versions: [{ version: "v1", resources: [served("backups", "Backup")] }] },
      { metadata: { name: "b.example.com" }, versions: [{ version: "v1", resources: [served("backups", "Backup")] }] },
      { metadata: { name: "c.example.com" }, versions: [{ version: "v1", resources: [served("deploy", "Deploy")] }] },
      {
        metadata: { name: "metrics.k8s.io" },
        versions: [{ version: "v1", freshness: "Stale", resources: [served("pods", "PodMetrics")] }],
      },
    ],
  },
};

test("two requests are enough where the server aggregates, and both say that they can read that", async () => {
  const client = clientOf(aggregated);
  const { resources } = await discoverResources(client);
  assert.deepEqual(
    client.asked.map(({ path }) => path),
    ["/api", "/apis"],
  );
  for (const { accept = "" } of client.asked)
    assert.match(accept, /g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList.*,application\/json$/);
  const [pods, , namespaces] = resources;
  assert.deepEqual(pods, {
    ...{ group: "", version: "v1", plural: "pods", kind: "Pod", singular: "pod", shortNames: ["po"] },
    ...{ isNamespaced: true, verbs: all, isPreferred: true },
  });
  assert.equal(namespaces?.isNamespaced, false);
  assert.ok(resources.every(({ plural }) => !plural.includes("/")));
});

test("each resource has one preferred version: the group's, or the first that has it", async () => {
  const { resources } = await discoverResources(clientOf(aggregated));
  const versions = resources
    .filter(({ group }) => group === "apps")
    .map((one) => `${one.version}/${one.plural} ${one.isPreferred}`);
  assert.deepEqual(versions, ["v1/deployments true", "v1beta1/deployments false", "v1beta1/olds true"]);
});

test("what an API server remembers of another one that is away is a failure and no resource", async () => {
  const { resources, failures } = await discoverResources(clientOf(aggregated));
  assert.deepEqual(failures, [{ group: "metrics.k8s.io/v1", reason: "the API server that serves it does not answer" }]);
  assert.ok(resources.every(({ group }) => group !== "metrics.k8s.io"));
});

test("find knows plural, singular, kind and short names, with group and version; core wins, then the server's order", async () => {
  const discovery = await discoverResources(clientOf(aggregated));
  const found = (name: string): string | undefined => {
    const resource = discovery.find(name);
    return resource && `${groupResourceOf(resource)} ${resource.version}`;
  };
  for (const name of [
    "deployments",
    "deployment",
    "Deployment",
    "DEPLOYMENTS",
    "deployments.apps",
    "deployments.v1.apps",
  ])
    assert.equal(found(name), "deployments.apps v1", name);
  assert.equal(found("deployments.v1beta1.apps"), "deployments.apps v1beta1");
  assert.equal(found("olds.apps"), "olds.apps v1beta1");
  assert.equal(found("events"), "events v1");
  assert.equal(found("ev"), "events v1");
  assert.equal(found("events.events.k8s.io"), "events.events.k8s.io v1");
  assert.equal(found("backups"), "backups.a.example.com v1");
  assert.equal(found("backups.b.example.com"), "backups.b.example.com v1");
  assert.equal(found("deploy"), "deploy.c.example.com v1", "a full name wins over a short one");
  assert.equal(found("deploy.apps"), "deployments.apps v1");
  for (const name of ["", "nothing", "pods.apps", "pods.v2", "deployments.v2.apps", ".apps"])
    assert.equal(found(name), undefined, name);
});

test("ofKind finds the preferred version unless one is asked for", async () => {
  const discovery = await discoverResources(clientOf(aggregated));
  assert.equal(discovery.ofKind("apps", "Deployment")?.version, "v1");
  assert.equal(discovery.ofKind("apps", "Deployment", "v1beta1")?.version, "v1beta1");
  assert.equal(discovery.ofKind("apps", "Old")?.version, "v1beta1");
  assert.equal(discovery.ofKind("", "Deployment"), undefined);
});

const plain: Answers = {
  "/api": { kind: "APIVersions", versions: ["v1"] },
  "/apis": {
    kind: "APIGroupList",
    groups: [
      {
        name: "apps",
        versions: [{ version: "v1beta1" }, { version: "v1" }],
        preferredVersion: { version: "v1" },
      },
      { name: "away.example.com", versions: [{ version: "v1" }], preferredVersion: { version: "v1" } },
    ],
  },
  "/api/v1": {
    resources: [
      { name: "pods", singularName: "pod", namespaced: true, kind: "Pod", verbs: all, shortNames: ["po"] },
      { name: "pods/log", singularName: "", namespaced: true, kind: "Pod", verbs: ["get"] },
      { name: "namespaces", singularName: "namespace", namespaced: false, kind: "Namespace", verbs: all },
    ],
  },
  "/apis/apps/v1": { resources: [{ name: "deployments", namespaced: true, kind: "Deployment", verbs: all }] },
  "/apis/apps/v1beta1": { resources: [{ name: "deployments", namespaced: true, kind: "Deployment", verbs: all }] },
};

test("an API server that does not aggregate is asked group by group; one that fails is named and the others count", async () => {
  const discovery = await discoverResources(clientOf(plain));
  const listed = discovery.resources.map((one) => `${groupResourceOf(one)} ${one.version} ${one.isPreferred}`);
  assert.deepEqual(listed, [
    "pods v1 true",
    "namespaces v1 true",
    "deployments.apps v1 true",
    "deployments.apps v1beta1 false",
  ]);
  assert.equal(discovery.find("po")?.singular, "pod");
  assert.deepEqual(discovery.failures, [
    { group: "away.example.com/v1", reason: "cannot get /apis/away.example.com/v1: away" },
  ]);
});

test("without the lists of groups nothing is known, and an abort is one", async () => {
  await assert.rejects(discoverResources(clientOf({})), { code: "unavailable" });
  const reason = new Error("enough");
  await assert.rejects(discoverResources(clientOf(plain), AbortSignal.abort(reason)), (error) => error === reason);
});
