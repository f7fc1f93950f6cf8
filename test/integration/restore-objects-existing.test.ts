import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { PodVolumeBackup } from "../../src/api/pod-volume-backup.ts";
import { systemClock } from "../../src/platform/clock.ts";
import type { MemoryContents } from "../support/memory-contents.ts";
import type { RestoreObjectsRig } from "../support/restore-objects-rig.ts";
import { startRestoreObjectsRig } from "../support/restore-objects-rig.ts";

const core = "/api/v1/namespaces";
const nothing = { warnings: {}, errors: {} };

describe("restoreObjects, where objects exist already", () => {
  let rig: RestoreObjectsRig;
  before(async () => {
    rig = await startRestoreObjectsRig();
  });
  after(async () => await rig.stop());

  const settings = (namespace: string): string => `${core}/${namespace}/configmaps/settings`;

  const makeSettings = async (namespace: string, data = { a: "1", b: "2" }): Promise<MemoryContents> => {
    await rig.makeNamespace(namespace);
    const labels = { app: "shop" };
    await rig.make(`${core}/${namespace}/configmaps`, { metadata: { name: "settings", labels }, data });
    await rig.make(`${core}/${namespace}/services`, {
      metadata: { name: "web" },
      spec: { type: "NodePort", selector: labels, ports: [{ port: 80 }] },
    });
    return await rig.backUp(namespace);
  };

  it("leaves what is as in the backup alone, and says nothing, addresses and ports of services included", async () => {
    const contents = await makeSettings("same");
    const before = await rig.get(settings("same"));
    const run = await rig.restore(contents);
    assert.deepEqual(run.results, nothing);
    assert.deepEqual(run.resourceList, {
      "v1/ConfigMap": ["same/settings(skipped)"],
      "v1/Namespace": ["same(skipped)"],
      "v1/Service": ["same/web(skipped)"],
    });
    assert.deepEqual(await rig.get(settings("same")), before);
  });

  it("warns of what is different and leaves it alone, with the policy none too", async () => {
    const contents = await makeSettings("changed");
    const live = await rig.patch(settings("changed"), { data: { a: "9" } });
    for (const policy of [undefined, "none"]) {
      const spec = { backupName: "b1", ...(policy === undefined ? {} : { existingResourcePolicy: policy }) };
      const run = await rig.restore(contents, { spec });
      const [warning, ...more] = run.results.warnings.namespaces?.changed ?? [];
      assert.match(warning ?? "", /ConfigMap "settings" already exists.*different than the backed-up version/);
      assert.deepEqual([more, run.results.errors], [[], {}]);
      assert.deepEqual(run.resourceList["v1/ConfigMap"], ["changed/settings(failed)"]);
    }
    assert.deepEqual(await rig.get(settings("changed")), live);
  });

  it("makes it as in the backup with the policy update, and labels also what was equal", async () => {
    const contents = await makeSettings("updated");
    await rig.patch(settings("updated"), { metadata: { labels: { app: null, extra: "1" } }, data: { a: "9", c: "3" } });
    const ports = (await rig.get(`${core}/updated/services/web`)).spec;
    const run = await rig.restore(contents, { spec: { existingResourcePolicy: "update" }, name: "again" });
    assert.deepEqual(run.results, nothing);
    assert.deepEqual(run.resourceList["v1/ConfigMap"], ["updated/settings(updated)"]);
    const now = await rig.get(settings("updated"));
    assert.deepEqual(now.data, { a: "1", b: "2" });
    const labels = { "velero.io/backup-name": "b1", "velero.io/restore-name": "again" };
    assert.deepEqual(now.metadata.labels, { app: "shop", ...labels });
    const service = await rig.get(`${core}/updated/services/web`);
    assert.deepEqual([service.spec, service.metadata.labels], [ports, labels]);
  });

  it("warns when the API server refuses an update, and goes on", async () => {
    await rig.makeNamespace("fixed");
    await rig.make(`${core}/fixed/secrets`, { metadata: { name: "key" }, immutable: true, stringData: { key: "new" } });
    const contents = await rig.backUp("fixed");
    const old = Buffer.from("old").toString("base64");
    const stored = await contents.read("secrets", { namespace: "fixed", name: "key" });
    contents.add("secrets", { ...stored, data: { key: old } } as typeof stored);
    const run = await rig.restore(contents, { spec: { existingResourcePolicy: "update" } });
    assert.match(run.results.warnings.namespaces?.fixed?.[0] ?? "", /could not update.*immutable/);
    assert.deepEqual([run.results.errors, run.resourceList["v1/Secret"]], [{}, ["fixed/key(failed)"]]);
  });

  it("gives a service account what it lacks, whatever the policy, and takes nothing from it", async () => {
    await rig.makeNamespace("accounts");
    const path = `${core}/accounts/serviceaccounts`;
    const accounts = [
      { metadata: { name: "default", labels: { a: "backup", b: "backup" } }, imagePullSecrets: [{ name: "pull" }] },
    ];
    for (const account of accounts) await rig.make(path, account);
    const contents = await rig.backUp("accounts");
    const [own] = [{ metadata: { labels: { a: "live", b: null } }, imagePullSecrets: [{ name: "mine" }] }];
    await rig.patch(`${path}/default`, own);
    const run = await rig.restore(contents);
    assert.deepEqual([run.results, run.resourceList["v1/ServiceAccount"]], [nothing, ["accounts/default(updated)"]]);
    const account = await rig.get(`${path}/default`);
    assert.deepEqual(account.metadata.labels, { a: "live", b: "backup" });
    assert.deepEqual(account.imagePullSecrets, [{ name: "mine" }, { name: "pull" }]);
    assert.deepEqual((await rig.restore(contents)).resourceList["v1/ServiceAccount"], ["accounts/default(skipped)"]);
  });

  it("waits for what is being deleted and makes it anew, but not for ever", async () => {
    const contents = await makeSettings("going");
    await rig.patch(settings("going"), { metadata: { finalizers: ["example.com/hold"] } });
    const before = await rig.get(settings("going"));
    await rig.controlPlane.must("DELETE", settings("going"));
    const hasty = await rig.restore(contents);
    assert.deepEqual(hasty.results.warnings.namespaces?.going, [
      'could not restore, ConfigMap "settings" is being deleted and does not go: see its finalizers',
    ]);
    assert.deepEqual(hasty.resourceList["v1/ConfigMap"], ["going/settings(failed)"]);

    // It goes while the restore waits.
    const release = async (): Promise<void> =>
      void (await rig.patch(settings("going"), { metadata: { finalizers: null } }));
    const clock = { ...systemClock, sleep: release };
    const patient = await rig.restore(contents, { options: { terminatingTimeoutMs: 20_000, clock } });
    assert.deepEqual(patient.resourceList["v1/ConfigMap"], ["going/settings(created)"]);
    assert.notEqual((await rig.get(settings("going"))).metadata.uid, before.metadata.uid);
  });

  const makePod = async (namespace: string): Promise<MemoryContents> => {
    await rig.makeNamespace(namespace);
    const spec = { terminationGracePeriodSeconds: 0, containers: [{ name: "main", image: "shop:1" }] };
    await rig.make(`${core}/${namespace}/pods`, { metadata: { name: "web-1" }, spec });
    return await rig.backUp(namespace);
  };

  it("says that the data of a pod that was there are not restored", async () => {
    const contents = await makePod("busy");
    const podVolumeBackups = [
      {
        metadata: { name: "x" },
        spec: { pod: { namespace: "busy", name: "web-1" } },
        status: { snapshotID: "12ab34cd" },
      },
    ] as unknown as PodVolumeBackup[];
    const options = { volumes: { volumeInfo: undefined, podVolumeBackups } };
    const run = await rig.restore(contents, { options });
    assert.deepEqual(run.results.warnings.namespaces?.busy, [
      "pod web-1 exists already: the data of its volumes are not restored",
    ]);
    assert.deepEqual([run.pods, run.resourceList["v1/Pod"]], [[], ["busy/web-1(skipped)"]]);
  });

  it("goes on where an earlier run of the same Restore stopped, and hands its pods out again", async () => {
    const contents = await makePod("resumed");
    await rig.lose(contents, "resumed");
    const createdAt = new Date();
    const transformPod: NonNullable<Parameters<typeof rig.restore>[1]>["options"] = {
      transformPod: (pod) =>
        Promise.resolve({
          ...pod,
          spec: { containers: [], ...pod.spec, initContainers: [{ name: "restore-wait", image: "shop:1" }] },
        }),
    };
    const first = await rig.restore(contents, { createdAt, options: transformPod });
    const second = await rig.restore(contents, { createdAt, options: transformPod });
    for (const run of [first, second]) {
      assert.deepEqual([run.results, run.pods], [nothing, ["resumed/web-1"]]);
      assert.deepEqual(run.resourceList["v1/Pod"], ["resumed/web-1(created)"]);
    }
    // A later Restore of the same name did not make it.
    const other = await rig.restore(contents, { createdAt: new Date(Date.now() + 5000), options: transformPod });
    assert.deepEqual([other.pods, other.resourceList["v1/Pod"]], [[], ["resumed/web-1(failed)"]]);
  });
});
