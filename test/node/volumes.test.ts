// Every kind of volume that a pod can have, on a real node: which are backed up by our DaemonSet, which are refused and
// why, and that what is stored is what the pod has written.
import assert from "node:assert/strict";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Backup } from "../../src/api/backup.ts";
import type { Pod } from "../../src/api/core.ts";
import type { PodVolumeBackup } from "../../src/api/pod-volume-backup.ts";
import { csiFoldersBinary } from "../support/peers.ts";
import { busyboxImage } from "./support/images.ts";
import { nodeName } from "./support/node-configuration.ts";
import { NodeRig } from "./support/node-rig.ts";
import { claimSpec, csiVolume, localVolumes, namespace, pod, workload } from "./support/workloads.ts";

const space = "shop";
const emptyDir = {};
const driver = "folders.stowage.dev";
let rig: NodeRig;

before(async () => {
  rig = await NodeRig.start();
  const [ledger, scratch] = [join(rig.node.state, "ledger"), join(rig.node.state, "scratch")];
  const folders = join(rig.node.state, "folders");
  for (const folder of [ledger, scratch, folders]) mkdirSync(folder);
  await rig.node.start(csiFoldersBinary(), [driver, nodeName, folders], (said) => said.includes("the kubelet knows"));
  await rig.apply(namespace(space));
  await rig.apply(
    ...localVolumes(nodeName, { ledger, scratch }),
    workload("Deployment", {
      ...{ namespace: space, name: "web" },
      volumes: [
        { name: "disk", emptyDir },
        { name: "memory", emptyDir: { medium: "Memory" } },
        { name: "host", hostPath: { path: "/var/log" } },
      ],
    }),
    workload(
      "StatefulSet",
      { namespace: space, name: "db", mounts: [{ name: "ledger", mountPath: "/ledger" }] },
      {
        serviceName: "db",
        volumeClaimTemplates: [{ metadata: { name: "ledger" }, spec: { ...claimSpec(), volumeName: "ledger" } }],
      },
    ),
    pod({
      ...{ namespace: space, name: "generic" },
      volumes: [
        { name: "own", ephemeral: { volumeClaimTemplate: { spec: { ...claimSpec(), volumeName: "scratch" } } } },
      ],
    }),
    pod({
      ...{ namespace: space, name: "sidecar" },
      volumes: [{ name: "common", emptyDir }],
      spec: {
        initContainers: [
          {
            name: "helper",
            image: busyboxImage,
            restartPolicy: "Always",
            command: ["sh", "-c", "echo from the sidecar > /common/helper; exec sleep 2000000000"],
            volumeMounts: [{ name: "common", mountPath: "/common" }],
          },
        ],
      },
    }),
    ...csiVolume(driver, space, "claimed"),
    pod({
      ...{ namespace: space, name: "csi" },
      volumes: [{ name: "claim", persistentVolumeClaim: { claimName: "claimed" } }],
    }),
    pod({ namespace: space, name: "inline", volumes: [{ name: "inline", csi: { driver } }] }),
    pod({
      ...{ namespace: space, name: "part" },
      volumes: [{ name: "whole", emptyDir }],
      mounts: [{ name: "whole", mountPath: "/whole", subPath: "inner/folder" }],
    }),
  );
  await rig.kubectl("-n", space, "wait", "--for=condition=Ready", "pods", "--all", "--timeout=60s");
  await rig.kubectl("-n", space, "rollout", "status", "statefulset/db", "--timeout=60s");
});
after(() => rig.stop());

async function podOf(name: string): Promise<Pod> {
  const pods = await rig.list<Pod>("pods", space);
  const found = pods.find((one) => one.metadata.name.startsWith(name));
  if (found === undefined) throw new Error(`no pod ${name}`);
  return found;
}

async function write(name: string, path: string, content: string): Promise<void> {
  await rig.shell(space, (await podOf(name)).metadata.name, `mkdir -p $(dirname ${path}); echo ${content} > ${path}`);
}

interface Examination {
  readonly ok: boolean;
  readonly place: string;
  readonly checks: readonly { readonly check: string; readonly outcome: string }[];
}

/** Volumes of a Backup that are Completed, by volume; the test fails for any other. */
async function completed(backup: Backup): Promise<Map<string, PodVolumeBackup>> {
  const volumeBackups = await rig.volumeBackups(backup.metadata.name);
  for (const one of volumeBackups) assert.equal(one.status?.phase, "Completed", one.status?.message);
  return new Map(volumeBackups.map((one) => [one.spec.volume, one]));
}

async function stored(volumeBackup: PodVolumeBackup | undefined, path: string): Promise<string> {
  return (await rig.restic(space, "dump", volumeBackup?.status?.snapshotID ?? "none", path)).stdout.trim();
}

test("opt-out: every volume of every kind is backed up through the host's mounts, made after the agent had started", async () => {
  await write("web", "/disk/file", "on-disk");
  await write("web", "/memory/file", "in-memory");
  await write("db", "/ledger/file", "on-a-local-volume");
  await write("generic", "/own/file", "on-a-generic-ephemeral-volume");
  await write("inline", "/inline/file", "on-an-inline-csi-volume");
  await write("csi", "/claim/file", "on-a-claimed-csi-volume");
  await write("part", "/whole/file", "below-a-sub-path");
  await write("sidecar", "/common/kept", "beside-the-sidecar");
  await rig.kubectl("-n", space, "label", "pods", "sidecar", "part", "inline", "volumes=own");
  const backup = await rig.backup("all", { includedNamespaces: [space], defaultVolumesToFsBackup: true });
  assert.equal(backup.status?.phase, "Completed", JSON.stringify(backup.status));
  const volumes = await completed(backup);
  assert.deepEqual([...volumes.keys()].sort(), [
    "claim",
    "common",
    "disk",
    "inline",
    "ledger",
    "memory",
    "own",
    "whole",
  ]);
  assert.equal(await stored(volumes.get("disk"), "/file"), "on-disk");
  assert.equal(await stored(volumes.get("memory"), "/file"), "in-memory");
  assert.equal(await stored(volumes.get("ledger"), "/file"), "on-a-local-volume");
  assert.equal(await stored(volumes.get("own"), "/file"), "on-a-generic-ephemeral-volume");
  assert.equal(await stored(volumes.get("inline"), "/file"), "on-an-inline-csi-volume");
  assert.equal(await stored(volumes.get("claim"), "/file"), "on-a-claimed-csi-volume");
  assert.match(volumes.get("claim")?.status?.path ?? "", /kubernetes\.io~csi\/claimed\/mount$/);
  assert.equal(await stored(volumes.get("common"), "/helper"), "from the sidecar");
  assert.equal(await stored(volumes.get("whole"), "/inner/folder/file"), "below-a-sub-path");
});

test("what every kind of pod had in volumes of its own comes back into another one, beside sidecars and below sub-paths", async () => {
  const target = "shop-again";
  // Claims stay out: their volumes are bound already.
  const restore = await rig.restore("all", {
    ...{ backupName: "all", namespaceMapping: { [space]: target } },
    includedResources: ["pods"],
    orLabelSelectors: [{ matchLabels: { app: "web" } }, { matchLabels: { volumes: "own" } }],
  });
  assert.equal(restore.status?.phase, "Completed", JSON.stringify(restore.status));
  const restored = await rig.volumeRestores("all");
  assert.deepEqual(restored.map(({ spec }) => spec.volume).sort(), ["common", "disk", "inline", "memory", "whole"]);
  const { metadata } = await podOf("web");
  for (const name of [metadata.name, "sidecar", "part", "inline"]) await rig.ready(target, name);
  const read = async (name: string, path: string): Promise<string> =>
    (await rig.shell(target, name, `cat ${path}`)).trim();
  assert.equal(await read(metadata.name, "/disk/file"), "on-disk");
  assert.equal(await read(metadata.name, "/memory/file"), "in-memory");
  // Nobody writes it again: the sidecar writes another file.
  assert.equal(await read("sidecar", "/common/kept"), "beside-the-sidecar");
  assert.equal(await read("part", "/whole/file"), "below-a-sub-path");
  assert.equal(await read("inline", "/inline/file"), "on-an-inline-csi-volume");
});

test("opt-in: the annotation's volumes alone, and only what has changed since is stored", async () => {
  const { metadata } = await podOf("web");
  await rig.kubectl("-n", space, "annotate", "pod", metadata.name, "backup.velero.io/backup-volumes=disk");
  await rig.shell(
    space,
    metadata.name,
    "dd if=/dev/urandom of=/disk/large bs=1M count=8 2>/dev/null; echo more >> /disk/file",
  );
  const volumes = await completed(await rig.backup("annotated", { includedNamespaces: [space] }));
  assert.deepEqual([...volumes.keys()], ["disk"]);
  const incremental = volumes.get("disk")?.status?.incrementalBytes ?? 0;
  assert.ok(incremental >= 8 << 20 && incremental < 9 << 20, String(incremental));
  const again = await completed(await rig.backup("unchanged", { includedNamespaces: [space] }));
  assert.equal(again.get("disk")?.status?.incrementalBytes, 0);
});

test("a hostPath volume that the annotation names is refused with the reason, and the pod's others are backed up", async () => {
  const { metadata } = await podOf("web");
  const words = ["annotate", "--overwrite", "pod", metadata.name, "backup.velero.io/backup-volumes=disk,host"];
  await rig.kubectl("-n", space, ...words);
  const backup = await rig.backup("host", { includedNamespaces: [space] });
  assert.deepEqual([...(await completed(backup)).keys()], ["disk"]);
  assert.equal(backup.status?.warnings, 1, JSON.stringify(backup.status));
  const log = await rig.logs("deploy/stowage");
  assert.match(log, /hostPath/i);
});

test("a claim whose volume is a hostPath is passed over with the reason: the kubelet has no directory for it", async () => {
  await rig.apply(
    {
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name: "by-path" },
      spec: {
        capacity: { storage: "1Gi" },
        accessModes: ["ReadWriteOnce"],
        storageClassName: "paths",
        hostPath: { path: "/var/log" },
      },
    },
    {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { namespace: space, name: "logs" },
      spec: claimSpec("paths"),
    },
    pod({ namespace: space, name: "logs", volumes: [{ name: "logs", persistentVolumeClaim: { claimName: "logs" } }] }),
  );
  await rig.ready(space, "logs");
  const spec = {
    includedNamespaces: [space],
    labelSelector: { matchLabels: { none: "none" } },
    defaultVolumesToFsBackup: true,
  };
  await rig.kubectl("-n", space, "label", "pod", "logs", "none=none");
  const backup = await rig.backup("paths", spec);
  assert.deepEqual([...(await completed(backup)).keys()], []);
  assert.ok((backup.status?.warnings ?? 0) >= 1, JSON.stringify(backup.status));
  assert.match(await rig.logs("deploy/stowage"), /hostPath/i);
});

test("a pod that is deleted leaves no directory on the node, and its snapshot stays readable", async () => {
  const { metadata } = await podOf("sidecar");
  const folder = rig.node.path(`/var/lib/kubelet/pods/${metadata.uid}`);
  assert.ok(existsSync(folder));
  await rig.kubectl("-n", space, "delete", "pod", "sidecar", "--wait=true");
  await rig.until("the pod's directory is gone", async () => !existsSync(folder));
  const all = await rig.volumeBackups("all");
  const common = all.find((one) => one.spec.volume === "common");
  assert.equal(await stored(common, "/helper"), "from the sidecar");
});

test("restic finds nothing wrong, and no lock is left", async () => {
  await rig.restic(space, "check", "--read-data");
  assert.deepEqual(rig.locks(space), []);
});

test("the doctor finds nothing wrong in the agent's own pod, whichever kinds of volumes were mounted since", async () => {
  const { metadata } = await rig.agentPod();
  const words = ["-n", "velero", "exec", metadata.name, "--", "stowage", "agent", "doctor"];
  const { ok, place, checks } = JSON.parse(await rig.kubectl(...words, "--json")) as Examination;
  assert.deepEqual([ok, place], [true, "pod"], JSON.stringify(checks));
  const outcomes = new Map(checks.map(({ check, outcome }) => [check, outcome]));
  for (const check of ["host-pods", "kubelet-root", "mount-propagation", "capabilities", "access-rights", "clock"])
    assert.equal(outcomes.get(check), "ok", `${check}: ${JSON.stringify(checks)}`);
});

test("the image is small, and its agent runs with a read-only root, no new privileges and the default seccomp profile", async () => {
  const megabytes = Math.round(rig.image.sizeBytes / 1e6);
  process.stdout.write(`image: ${megabytes} MB unpacked\n`);
  assert.ok(megabytes < 200, `${megabytes} MB`);
  const { metadata } = await rig.agentPod();
  const script = `
    const fs = require("node:fs");
    let written = "written";
    try { fs.writeFileSync("/opt/file", ""); } catch (error) { written = error.code; }
    const status = Object.fromEntries(fs.readFileSync("/proc/1/status", "utf8").split("\\n").map((line) => line.split(":\\t")));
    console.log(JSON.stringify({ written, seccomp: status.Seccomp, noNewPrivileges: status.NoNewPrivs, capabilities: status.CapEff }));`;
  const answer = await rig.kubectl("-n", "velero", "exec", metadata.name, "--", "node", "-e", script);
  assert.deepEqual(JSON.parse(answer), {
    written: "EROFS",
    seccomp: "2",
    noNewPrivileges: "1",
    // CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID, SETFCAP.
    capabilities: "000000008000001f",
  });
});
