// The least that the agent needs, shown by taking away the rest: capabilities, the right to write to the host's mount. And
// that its container is what the manifest says.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { systemCalls } from "../../repo-format/file-tree/system-calls.ts";
import type { Pod } from "../../src/api/core.ts";
import { NodeRig } from "./support/node-rig.ts";
import { namespace, pod } from "./support/workloads.ts";

const space = "owners";
/** The file capability `cap_net_raw=ep` as the kernel keeps it (linux/capability.h): revision 2, then two sets of bits. */
const netRaw = Buffer.from("0100000200200000000000000000000000000000", "hex");
let rig: NodeRig;

before(async () => {
  rig = await NodeRig.start();
  await rig.apply(
    namespace(space),
    pod({
      ...{ namespace: space, name: "web", annotations: { "backup.velero.io/backup-volumes": "data" } },
      volumes: [{ name: "data", emptyDir: {} }],
    }),
  );
  await rig.ready(space, "web");
  await rig.shell(
    space,
    "web",
    `cd /data; echo secret > own; chmod 0600 own; chown 123:456 own; cp /bin/busybox run; chown 9:9 run; chmod 6755 run
    mkdir closed; echo x > closed/in; chmod 0 closed/in closed; chown 77:77 closed closed/in; mkfifo pipe; chmod 1777 .`,
  );
  systemCalls.lsetxattr(Buffer.from(await onNode(space, "run")), Buffer.from("security.capability"), netRaw);
});
after(() => rig.stop());

/** Where this machine sees a file of the pod's volume. */
async function onNode(place: string, name: string): Promise<string> {
  const { metadata } = await rig.get<Pod>("pod", "web", place);
  return rig.node.path(`/var/lib/kubelet/pods/${metadata.uid}/volumes/kubernetes.io~empty-dir/data/${name}`);
}

/** Gives the agent's container these capabilities and no others. */
async function restart(capabilities: readonly string[], isMountReadOnly: boolean): Promise<void> {
  const securityContext = { capabilities: { drop: ["ALL"], add: capabilities } };
  const hostPods = { name: "host-pods", mountPath: "/host_pods", readOnly: isMountReadOnly };
  const container = { name: "node-agent", securityContext, volumeMounts: [hostPods] };
  const patch = JSON.stringify({ spec: { template: { spec: { containers: [container] } } } });
  await rig.kubectl("-n", "velero", "patch", "daemonset", "node-agent", "-p", patch);
  await rig.agentReady();
}

/** What the kernel says of the agent's process. */
async function effectiveCapabilities(): Promise<string> {
  const { metadata } = await rig.agentPod();
  const script = `console.log(require("node:fs").readFileSync("/proc/1/status", "utf8").match(/CapEff:\\t(.*)/)[1])`;
  return (await rig.kubectl("-n", "velero", "exec", metadata.name, "--", "node", "-e", script)).trim();
}

const inventory =
  "cd /data; find . -mindepth 1 | sort | while read name; do stat -c '%n %F %a %u:%g %s %Y' \"$name\"; done; sha256sum run own";

test("a backup needs DAC_READ_SEARCH alone, and no right to write to the host's mount", async () => {
  await restart(["DAC_READ_SEARCH"], true);
  assert.equal(await effectiveCapabilities(), "0000000000000004");
  const backup = await rig.backup("least", { includedNamespaces: [space] });
  assert.equal(backup.status?.phase, "Completed", JSON.stringify(backup.status));
  const [volume] = await rig.volumeBackups("least");
  assert.equal(volume?.metadata.annotations?.["stowage.dev/warnings"], undefined, volume?.status?.message);
  const { stdout } = await rig.restic(space, "dump", volume?.status?.snapshotID ?? "", "/closed/in");
  assert.equal(stdout, "x\n");
});

test("a restore needs CHOWN, DAC_OVERRIDE, FOWNER, FSETID and SETFCAP, and brings every owner, mode and time back", async () => {
  await restart(["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "SETFCAP"], false);
  const target = `${space}-least`;
  const restore = await rig.restore("least", { backupName: "least", namespaceMapping: { [space]: target } });
  assert.equal(restore.status?.phase, "Completed", JSON.stringify(restore.status));
  const [volume] = await rig.volumeRestores("least");
  assert.equal(volume?.metadata.annotations?.["stowage.dev/warnings"], undefined, volume?.status?.message);
  await rig.ready(target, "web");
  assert.equal(await rig.shell(target, "web", inventory), await rig.shell(space, "web", inventory));
  assert.deepEqual(
    systemCalls.lgetxattr(Buffer.from(await onNode(target, "run")), Buffer.from("security.capability")),
    netRaw,
  );
});

test("without the right to write the restore fails with the reason, and changes nothing", async () => {
  await restart(["DAC_READ_SEARCH"], true);
  const target = `${space}-refused`;
  const restore = await rig.restore("refused", { backupName: "least", namespaceMapping: { [space]: target } });
  assert.equal(restore.status?.phase, "PartiallyFailed", JSON.stringify(restore.status));
  const [volume] = await rig.volumeRestores("refused");
  assert.equal(volume?.status?.phase, "Failed");
  assert.match(volume?.status?.message ?? "", /EROFS|read-only/i);
});

test("no container of ours is privileged, and all ask for the default seccomp profile", async () => {
  const pods = await rig.list<SecuredPod>("pods", "velero");
  assert.ok(pods.length >= 2);
  for (const { spec } of pods) {
    assert.equal(spec.securityContext.seccompProfile?.type, "RuntimeDefault");
    for (const { securityContext } of spec.containers) {
      assert.notEqual(securityContext.privileged, true);
      assert.equal(securityContext.allowPrivilegeEscalation, false);
      assert.equal(securityContext.readOnlyRootFilesystem, true);
    }
  }
});

interface SecuredPod {
  readonly spec: {
    readonly securityContext: { readonly seccompProfile?: { readonly type: string } };
    readonly containers: readonly {
      readonly securityContext: {
        readonly privileged?: boolean;
        readonly allowPrivilegeEscalation?: boolean;
        readonly readOnlyRootFilesystem?: boolean;
      };
    }[];
  };
}
