// Restores by our server into pods that a real kubelet runs: the restore-helper under the strictest pod security level,
// other programs' init containers, a restore that fails. What is back is what was there, and nothing else.
import assert from "node:assert/strict";
import { existsSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Pod } from "../../src/api/core.ts";
import { busyboxImage } from "./support/images.ts";
import { NodeRig } from "./support/node-rig.ts";
import { namespace, pod, restrictedContainer, restrictedNamespace, workload } from "./support/workloads.ts";

const emptyDir = {};
const optIn = { "backup.velero.io/backup-volumes": "data" };
let rig: NodeRig;

before(async () => {
  rig = await NodeRig.start();
});
after(() => rig.stop());

/** Everything that a restore should bring back, as one text: kinds, modes, owners, sizes, link targets, content. */
const inventory = `cd /data
  find . -mindepth 1 | sort | while read name; do stat -c '%n %F %a %u:%g' "$name"; done
  find . -type l | sort | xargs -r -n 1 readlink; find . -type f | sort | xargs -r sha256sum`;

test("under the level `restricted` the restore-helper waits as a user without rights, and the pod's files are back", async () => {
  const space = "strict";
  const container = { securityContext: restrictedContainer };
  await rig.apply(
    restrictedNamespace(space),
    workload("Deployment", {
      ...{ namespace: space, name: "web", annotations: optIn },
      volumes: [{ name: "data", emptyDir }],
      container,
    }),
  );
  await rig.kubectl("-n", space, "rollout", "status", "deployment/web", "--timeout=60s");
  const [source] = await rig.list<Pod>("pods", space);
  const name = source?.metadata.name ?? "";
  await rig.shell(
    space,
    name,
    "cd /data; mkdir -p a/b; date > a/b/file; ln -s b a/link; head -c 3000000 /dev/urandom > big; chmod 600 big",
  );
  const wanted = await rig.shell(space, name, inventory);
  assert.equal((await rig.backup("strict", { includedNamespaces: [space] })).status?.phase, "Completed");
  await rig.kubectl("delete", "namespace", space, "--wait=true");
  const restore = await rig.restore("strict", { backupName: "strict" });
  assert.equal(restore.status?.phase, "Completed", JSON.stringify(restore.status));
  const restored = await rig.ready(space, name);
  assert.equal(await rig.shell(space, name, inventory), wanted, "the same, and no .velero beside it");
  const helper = (restored.spec?.initContainers ?? []).find((one) => one.name === "restore-wait");
  assert.deepEqual(helper?.securityContext, restrictedContainer);
  assert.match(await rig.logs(name, space), /restore-wait\] all volumes are restored: data/);
});

test("an owner, mode, time, hard link and set-user-id bit of another user come back, in a pod without any security context", async () => {
  const space = "owners";
  await rig.apply(
    namespace(space),
    pod({ namespace: space, name: "web", annotations: optIn, volumes: [{ name: "data", emptyDir }] }),
  );
  await rig.ready(space, "web");
  const script = `cd /data; echo secret > own; chmod 0600 own; chown 123:456 own; cp /bin/busybox run; chmod 4755 run
    ln own twin; mkdir closed; echo x > closed/in; chmod 000 closed; chown 77:77 closed; touch -d '2001-02-03 04:05:06' run`;
  await rig.shell(space, "web", script);
  const more = `${inventory}; stat -c '%n %h %Y' own run`;
  const wanted = await rig.shell(space, "web", more);
  assert.equal((await rig.backup("owners", { includedNamespaces: [space] })).status?.phase, "Completed");
  const target = "owners-beside";
  const restore = await rig.restore("owners", { backupName: "owners", namespaceMapping: { [space]: target } });
  assert.equal(restore.status?.phase, "Completed", JSON.stringify(restore.status));
  await rig.ready(target, "web");
  assert.equal(await rig.shell(target, "web", more), wanted);
});

test("another program's init container before restore-wait delays the restore and does not break it", async () => {
  // As a mesh's webhook does it: its container comes first, whatever the restored pod says.
  const space = "mesh";
  await rig.apply(namespace(space));
  const [volumeBackup] = await rig.volumeBackups("owners");
  // The garbage collector removes what an object owns that does not exist.
  const { uid = "" } = (await rig.get("restore", "owners")).metadata;
  const foreign = { name: "mesh-init", image: busyboxImage, command: ["sh", "-c", "sleep 3; echo the mesh is ready"] };
  const waiting = {
    name: "restore-wait",
    image: "stowage:0.1.0",
    command: ["/velero-restore-helper"],
    args: [uid],
    volumeMounts: [{ name: "data", mountPath: "/restores/data" }],
    securityContext: restrictedContainer,
  };
  const volumes = [{ name: "data", emptyDir }];
  await rig.apply(pod({ namespace: space, name: "web", volumes, spec: { initContainers: [foreign, waiting] } }));
  const { metadata } = await rig.get<Pod>("pod", "web", space);
  await rig.apply({
    apiVersion: "velero.io/v1",
    kind: "PodVolumeRestore",
    metadata: {
      name: "mesh",
      namespace: "velero",
      ownerReferences: [{ apiVersion: "velero.io/v1", kind: "Restore", name: "owners", uid, controller: true }],
    },
    spec: {
      pod: { kind: "Pod", namespace: space, name: "web", uid: metadata.uid },
      volume: "data",
      backupStorageLocation: "default",
      repoIdentifier: volumeBackup?.spec.repoIdentifier,
      snapshotID: volumeBackup?.status?.snapshotID,
      sourceNamespace: "owners",
      uploaderType: "restic",
    },
  });
  await rig.ready(space, "web");
  assert.match(
    await rig.logs("web", space),
    /mesh-init\] the mesh is ready[\s\S]*restore-wait\] all volumes are restored/,
  );
  assert.equal(await rig.shell(space, "web", "cat /data/own"), "secret\n");
});

test("a restore that cannot succeed says why within 30 seconds, in `kubectl describe pod` and in the container's log", async () => {
  const packs = join(rig.s3.dataFolder, "backups", "restic", "owners", "data");
  renameSync(packs, `${packs}-away`);
  const target = "owners-broken";
  try {
    const begunAt = performance.now();
    await rig.makeRestore("broken", { backupName: "owners", namespaceMapping: { owners: target } });
    const says = async (): Promise<boolean> =>
      /Message:\s+restore failed: volume data: /.test(await rig.describe(target, "web"));
    await rig.until("the pod says why", says, { explain: () => rig.describe(target, "web") });
    const seconds = (performance.now() - begunAt) / 1000;
    process.stdout.write(`the reason was there after ${seconds.toFixed(1)} s\n`);
    assert.ok(seconds < 30, `${seconds} s`);
    // The kubelet starts the container again and again, and a run that has just begun has said nothing yet.
    const isLogged = async () => /restore failed: volume data: .*pack/s.test(await rig.logs("web", target));
    await rig.until("the log says why", isLogged, { explain: () => rig.logs("web", target) });
    const { status } = await rig.restoreEnd("broken");
    assert.equal(status?.phase, "PartiallyFailed");
    const [volumeRestore] = await rig.volumeRestores("broken");
    assert.equal(volumeRestore?.status?.phase, "Failed");
    assert.match(volumeRestore?.status?.message ?? "", /pack/);
  } finally {
    renameSync(`${packs}-away`, packs);
  }
});

test("the node's directory of a pod that is deleted in the middle of a failing restore goes away, too", async () => {
  const { metadata } = await rig.get<Pod>("pod", "web", "owners-broken");
  const folder = rig.node.path(`/var/lib/kubelet/pods/${metadata.uid}`);
  await rig.kubectl("-n", "owners-broken", "delete", "pod", "web", "--wait=true");
  await rig.until("the pod's directory is gone", async () => !existsSync(folder));
});

test("no lock is left and no volume holds a .velero", async () => {
  for (const space of ["strict", "owners"]) assert.deepEqual(rig.locks(space), [], space);
  const pods = rig.node.path("/var/lib/kubelet/pods");
  for (const uid of readdirSync(pods))
    assert.ok(!existsSync(join(pods, uid, "volumes/kubernetes.io~empty-dir/data/.velero")), uid);
});
