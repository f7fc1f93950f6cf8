import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type AnyObject, type RestoreObjectsRig, startRestoreObjectsRig } from "../support/restore-objects-rig.ts";

const core = "/api/v1/namespaces";
const apps = "/apis/apps/v1/namespaces";
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
});
