import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { KubeObject } from "../../../../../../../src/api/kube-object.ts";
import type { ChangeContext } from "../../../../../../../src/server/restore/objects/changes/change-context.ts";
import { changeObject } from "../../../../../../../src/server/restore/objects/changes/change-object.ts";
import { type MutableObject, mutableCopy } from "../../../../../../../src/server/restore/objects/json-fields.ts";

const plain: ChangeContext = { namespaceMapping: {}, preserveNodePorts: false, nodeMapping: new Map() };
const meta = { name: "x", namespace: "shop" };

function changed(kind: string, object: object, context: Partial<ChangeContext> = {}): MutableObject {
  const copy = mutableCopy({ metadata: meta, ...object } as KubeObject);
  changeObject(kind, copy, { ...plain, ...context });
  return copy;
}

describe("changeObject", () => {
  it("drops the status and what the API server fills in, and keeps what somebody wrote", () => {
    const kept = { ...meta, labels: { a: "1" }, annotations: { b: "2" }, finalizers: ["example.com/keep"] };
    const metadata = {
      ...kept,
      ...{ generateName: "x-", selfLink: "/x", uid: "u", resourceVersion: "7", generation: 3, managedFields: [{}] },
      ...{ creationTimestamp: "2026", deletionTimestamp: "2026", deletionGracePeriodSeconds: 0 },
      ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "x", uid: "u" }],
    };
    const spec = { status: "a field of this name inside stays" };
    assert.deepEqual(changed("widgets.example.com", { metadata, spec, status: {} }), { metadata: kept, spec });
  });

  it("changes nothing of kinds it knows nothing of, whatever they are called", () => {
    assert.deepEqual(changed("constructor", { spec: { clusterIP: "10.0.0.1" } }).spec, { clusterIP: "10.0.0.1" });
  });

  it("frees a pod from its node, its token and its debugging containers", () => {
    const mounts = ["data", "kube-api-access-x7k2p", "builder-token-abcde", "builder"].map((name) => ({ name }));
    const kept = [{ name: "data" }, { name: "builder" }];
    const container = { name: "main", volumeMounts: mounts };
    const pod = changed("pods", {
      spec: {
        ...{ nodeName: "node-1", priority: 7, priorityClassName: "high", serviceAccountName: "builder" },
        ...{ volumes: mounts, containers: [container], initContainers: [container], ephemeralContainers: [container] },
      },
    });
    assert.deepEqual(pod.spec, {
      ...{ priorityClassName: "high", serviceAccountName: "builder", volumes: kept },
      ...{ containers: [{ name: "main", volumeMounts: kept }], initContainers: [{ name: "main", volumeMounts: kept }] },
    });
  });

  it("takes a claim's binding off, and moves it to a node only where a mapping names one", () => {
    const selected = "volume.kubernetes.io/selected-node";
    const annotations = { keep: "1", "pv.kubernetes.io/bind-completed": "yes", [selected]: "old" };
    const claim = { metadata: { ...meta, annotations } };
    assert.deepEqual(changed("persistentvolumeclaims", claim).metadata.annotations, { keep: "1" });
    const nodeMapping = new Map([["old", "new"]]);
    assert.deepEqual(changed("persistentvolumeclaims", claim, { nodeMapping }).metadata.annotations, {
      ...{ keep: "1", [selected]: "new" },
    });
    assert.equal(changed("persistentvolumeclaims", {}, { nodeMapping }).metadata.annotations, undefined);
  });

  it("lets a namespace's own label and finalizers be the API server's affair", () => {
    const labels = { "kubernetes.io/metadata.name": "shop", team: "blue" };
    const namespace = changed("namespaces", {
      metadata: { name: "shop", labels },
      spec: { finalizers: ["kubernetes"] },
    });
    assert.deepEqual(namespace, { metadata: { name: "shop", labels: { team: "blue" } } });
  });

  it("lets a job's selector be made anew", () => {
    const uids = { "controller-uid": "u", "batch.kubernetes.io/controller-uid": "u" };
    const labels = { ...uids, app: "shop" };
    const spec = { selector: { matchLabels: labels }, template: { metadata: { labels } } };
    const own = { app: "shop" };
    assert.deepEqual(changed("jobs.batch", { spec }).spec, {
      ...{ selector: { matchLabels: own }, template: { metadata: { labels: own } } },
    });
  });

  it("empties a token that somebody asked for, and leaves other secrets alone", () => {
    const annotations = { "kubernetes.io/service-account.name": "builder", "kubernetes.io/service-account.uid": "u" };
    const secret = {
      metadata: { ...meta, annotations },
      data: { token: "t", "ca.crt": "c", namespace: "n", more: "m" },
    };
    const token = changed("secrets", { ...secret, type: "kubernetes.io/service-account-token" });
    assert.deepEqual(token.data, { more: "m" });
    assert.deepEqual(token.metadata.annotations, { "kubernetes.io/service-account.name": "builder" });
    assert.deepEqual(changed("secrets", { ...secret, type: "Opaque" }).data, secret.data);
  });

  it("takes the tokens of controllers off a service account", () => {
    const secrets = ["x-token-abcde", "mine", "y-token-abcde"].map((name) => ({ name }));
    assert.deepEqual(changed("serviceaccounts", { secrets }).secrets, [{ name: "mine" }, { name: "y-token-abcde" }]);
  });

  it("repairs webhooks that only earlier versions allowed", () => {
    const webhooks = ["Unknown", "None", "NoneOnDryRun", undefined].map((sideEffects) => ({ sideEffects }));
    const { webhooks: found } = changed("mutatingwebhookconfigurations.admissionregistration.k8s.io", { webhooks });
    const expected = ["None", "None", "NoneOnDryRun", "None"].map((sideEffects) => ({ sideEffects }));
    assert.deepEqual(found, expected);
  });

  it("moves the users and groups of mapped service accounts", () => {
    const names = ["system:serviceaccount:shop:ann", "system:serviceaccounts:shop", "system:serviceaccounts", "shop"];
    const subjects = [...names, "system:serviceaccounts:bank"].map((name) => ({ kind: "Group", name }));
    const account = { kind: "ServiceAccount", name: "shop", namespace: "bank" };
    const binding = { subjects: [...subjects, account] };
    const changedTo = changed("rolebindings.rbac.authorization.k8s.io", binding, {
      namespaceMapping: { shop: "store" },
    });
    const expected = ["system:serviceaccount:store:ann", "system:serviceaccounts:store", ...names.slice(2)];
    const groups = [...expected, "system:serviceaccounts:bank"].map((name) => ({ kind: "Group", name }));
    assert.deepEqual(changedTo.subjects, [...groups, account]);
  });

  it("lets each version of an old CRD keep unknown fields, because the whole may not", () => {
    const versions = [{ name: "v1", schema: { openAPIV3Schema: { type: "object" } } }, { name: "v2" }];
    const kind = "customresourcedefinitions.apiextensions.k8s.io";
    const schema = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
    assert.deepEqual(changed(kind, { spec: { preserveUnknownFields: true, versions } }).spec, {
      versions: [{ name: "v1", schema: { openAPIV3Schema: schema } }, { name: "v2" }],
    });
    const strict = { preserveUnknownFields: false, versions };
    assert.deepEqual(changed(kind, { spec: strict }).spec, strict);
  });

  it("maps the namespaces of subjects and of a volume's claim, and only those that are mapped", () => {
    const namespaceMapping = { shop: "store" };
    const subjects = [{ namespace: "shop" }, { namespace: "bank" }, { name: "ann" }];
    for (const kind of ["rolebindings", "clusterrolebindings"]) {
      const binding = changed(`${kind}.rbac.authorization.k8s.io`, { subjects }, { namespaceMapping });
      assert.deepEqual(binding.subjects, [{ namespace: "store" }, { namespace: "bank" }, { name: "ann" }]);
    }
    const claimRef = { namespace: "shop", name: "data", uid: "u", resourceVersion: "7" };
    const volume = changed("persistentvolumes", { spec: { claimRef } }, { namespaceMapping });
    assert.deepEqual(volume.spec, { claimRef: { namespace: "store", name: "data" } });
  });
});
