// The doctor on a real control plane and a real store, with one thing broken at a time: what it finds, what it advises,
// and what a running agent makes of it.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { allChecks } from "../../agent/doctor/checks.ts";
import { createPatient } from "../../agent/doctor/create-patient.ts";
import type { CheckResult, Patient } from "../../agent/doctor/finding.ts";
import { runChecks } from "../../agent/doctor/run-checks.ts";
import { connectToCluster } from "../../src/kube/kube-connection.ts";
import { TypedClient } from "../../src/kube/typed-client.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { type ClusterRig, startClusterRig } from "../support/cluster-rig.ts";
import { eventually, type ProcessResult, runProcess } from "../support/processes.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const node = "node-one";
const executable = join(import.meta.dirname, "..", "..", "src", "main.ts");
const locations = "/apis/velero.io/v1/namespaces/velero/backupstoragelocations";
let rig: ClusterRig;
let agentKubeconfig: string;

before(async () => {
  rig = await startClusterRig();
  agentKubeconfig = await rig.controlPlane.serviceAccountKubeconfig("velero", "stowage-agent");
  const pod = await rig.makePod({ name: "web", node, volumes: [{ name: "data", emptyDir: {} }] });
  rig.volumePath(pod, "data");
  await rig.controlPlane.must(
    "PATCH",
    "/api/v1/namespaces/app/pods/web/status",
    { status: { phase: "Running" } },
    "application/merge-patch+json",
  );
});
after(() => rig.stop());

async function examine(change: Partial<Patient> = {}, kubeconfig: string = agentKubeconfig): Promise<CheckResult[]> {
  const patient = createPatient({
    ...{ place: "pod", namespace: "velero", nodeName: node, hostPodsDir: rig.hostPods, clock: systemClock },
    ...{ scratchDir: rig.folder, cacheDirectory: undefined, restoreDevices: false, onSecret: () => undefined },
    client: new TypedClient({ connection: connectToCluster(kubeconfig) }),
  });
  return await runChecks(allChecks, { ...patient, ...change }, new AbortController().signal);
}

async function findingOf(check: string, change: Partial<Patient> = {}): Promise<CheckResult> {
  const finding = (await examine(change)).find((result) => result.check === check);
  if (finding === undefined) throw new Error(`no finding of ${check}`);
  return finding;
}

async function doctor(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<ProcessResult> {
  return await runProcess(process.execPath, { args: [executable, "agent", "doctor", ...args], env });
}

/** Changes the only location for one test. */
async function withLocation(t: TestContext, spec: object): Promise<void> {
  const before = (await rig.controlPlane.must("GET", `${locations}/default`)) as { spec: object };
  t.after(() => rig.patch("backupstoragelocations", "default", { spec: before.spec }));
  await rig.patch("backupstoragelocations", "default", { spec });
}

test("with everything in order nothing fails, under exactly the rights of the manifest, and no probe is left", async () => {
  const results = await examine();
  const troubles = results.filter(({ outcome }) => outcome === "failed");
  assert.deepEqual(troubles, []);
  const outcomes = new Map(results.map(({ check, outcome }) => [check, outcome]));
  for (const check of ["host-pods", "kubelet-root", "access-rights", "crds", "clock", "repository-secret"]) {
    assert.equal(outcomes.get(check), "ok", check);
  }
  const stores = results.filter(({ check }) => check === "storage-location");
  assert.match(stores[0]?.message ?? "", /listed, stored, read and deleted/);
  assert.match(stores[1]?.message ?? "", /within 1 s of the store's clock/);
  const left = readdirSync(rig.s3.dataFolder, { recursive: true, encoding: "utf8" });
  assert.deepEqual(
    left.filter((path) => path.includes("probe")),
    [],
  );
});

test("a verb that the role lost is named; everything else is still looked at", async (t) => {
  const path = "/apis/rbac.authorization.k8s.io/v1/namespaces/velero/roles/stowage-agent";
  const role = (await rig.controlPlane.must("GET", path)) as { rules: { resources: string[]; verbs: string[] }[] };
  const rules = role.rules.map((rule) => {
    const isOfVolumes = rule.resources.includes("podvolumebackups");
    return isOfVolumes ? { ...rule, verbs: rule.verbs.filter((verb) => verb !== "patch") } : rule;
  });
  const put = (rules: object) => rig.controlPlane.must("PATCH", path, { rules }, "application/merge-patch+json");
  t.after(() => put(role.rules));
  await put(rules);
  let results: CheckResult[] = [];
  await eventually("the API server has noticed", async () => {
    results = (await examine()).filter(({ check }) => check === "access-rights");
    return results.length === 2;
  });
  assert.deepEqual(
    results.map(({ subject, stopsWork }) => [subject, stopsWork]),
    [
      ["podvolumebackups", true],
      ["podvolumerestores", true],
    ],
  );
  assert.match(results[0]?.message ?? "", /the agent may not patch podvolumebackups in the namespace velero/);
});

test("a Secret that is gone, or lacks its key, is named", async (t) => {
  t.after(() => rig.makeSecret("velero-repo-credentials", { "repository-password": "a password for tests" }));
  await rig.makeSecret("velero-repo-credentials", { other: "x" });
  const { outcome, message } = await findingOf("repository-secret");
  assert.deepEqual([outcome, /has no such key/.test(message)], ["failed", true]);
});

test("a bucket that is missing, a wrong secret, an unknown key and a wrong port each have their own advice", async (t) => {
  const advice = async (): Promise<string> => (await findingOf("storage-location")).remedy ?? "";
  await withLocation(t, { objectStorage: { bucket: "no-such-bucket" } });
  assert.match(await advice(), /make the bucket no-such-bucket/);
  await rig.patch("backupstoragelocations", "default", { spec: { objectStorage: { bucket: "backups" } } });
  const { accessKeyId, secretAccessKey } = rig.s3;
  const keep = (id: string, key: string) =>
    rig.makeSecret("cloud-credentials", {
      cloud: `[default]\naws_access_key_id=${id}\naws_secret_access_key=${key}\n`,
    });
  t.after(() => keep(accessKeyId, secretAccessKey));
  await keep(accessKeyId, "wrong");
  assert.match(await advice(), /the secret key of the Secret cloud-credentials \(key cloud\) is wrong/);
  await keep("nobody", secretAccessKey);
  assert.match(await advice(), /does not know the access key/);
  await keep(accessKeyId, secretAccessKey);
  await rig.patch("backupstoragelocations", "default", { spec: { config: { s3Url: "http://127.0.0.1:1" } } });
  assert.match(await advice(), /nothing listens at http:\/\/127\.0\.0\.1:1/);
});

test("a folder that is not the kubelet's, and a private mount, are found", async (t) => {
  const hostPodsDir = temporaryDirectory(t);
  mkdirSync(join(hostPodsDir, "some-other-uid"));
  const procFolder = temporaryDirectory(t);
  writeFileSync(join(procFolder, "mountinfo"), `9 1 8:1 /elsewhere ${hostPodsDir} rw - ext4 /dev/root rw\n`);
  // It looks again a few times, because pods come and go.
  const clock = { ...systemClock, sleep: async () => undefined };
  const results = await examine({ hostPodsDir, procFolder, clock });
  const found = (check: string) => results.find((result) => result.check === check);
  assert.deepEqual([found("kubelet-root")?.outcome, found("kubelet-root")?.stopsWork], ["failed", true]);
  assert.match(found("kubelet-root")?.message ?? "", /is not the kubelet's pods directory of node node-one/);
  assert.match(found("mount-propagation")?.remedy ?? "", /HostToContainer/);
});

test("the command prints lines or JSON, and its status says whether anything failed", async (t) => {
  const env = { NODE_NAME: node, VELERO_NAMESPACE: "velero" };
  const flags = ["--kubeconfig", agentKubeconfig, "--host-pods-dir", rig.hostPods];
  const well = await doctor(flags, env);
  assert.equal(well.code, 0, well.stdout + well.stderr);
  assert.match(well.stdout, /^ok +access-rights +all \d+ rights/m);
  assert.match(well.stdout, /\d+ ok, \d+ warnings, 0 failed, \d+ skipped\n$/);
  await withLocation(t, { objectStorage: { bucket: "no-such-bucket" } });
  const ill = await doctor([...flags, "--json"], env);
  assert.equal(ill.code, 1);
  const { ok, place, checks } = JSON.parse(ill.stdout) as { ok: boolean; place: string; checks: CheckResult[] };
  assert.deepEqual([ok, place], [false, "pod"]);
  assert.equal(checks.find(({ check }) => check === "storage-location")?.outcome, "failed");
  assert.doesNotMatch(well.stdout + ill.stdout, new RegExp(rig.s3.secretAccessKey));
});

test("from outside it judges the cluster, the service account's rights and the stores, and skips the node", async () => {
  const flags = ["--kubeconfig", rig.controlPlane.adminKubeconfig, "--namespace", "velero"];
  const missing = await doctor(flags);
  assert.equal(missing.code, 1);
  assert.match(missing.stdout, /^failed +agent-daemonset +there is no DaemonSet node-agent in the namespace velero/m);
  const file = join(executable, "..", "..", "manifests", "agent-daemonset.yaml");
  const applied = await rig.controlPlane.kubectl(["apply", "--server-side", "-f", file]);
  assert.equal(applied.code, 0, applied.stderr);
  const { code, stdout, stderr } = await doctor(flags);
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /^warning +agent-daemonset +no node runs an agent/m);
  assert.match(stdout, /^ok +access-rights +all \d+ rights/m);
  assert.match(stdout, /^skipped +host-pods +only seen in the agent's pod/m);
  assert.match(stdout, /^ok +storage-location default +objects can be listed/m);
});

test("an agent works while it is examined, says on /readyz and in an Event what stops it, and is ready once that is mended", async (t) => {
  const podPath = "/api/v1/namespaces/velero/pods";
  await rig.controlPlane.must("POST", podPath, {
    metadata: { name: hostname(), labels: { name: "node-agent" } },
    spec: { nodeName: node, containers: [{ name: "node-agent", image: "none" }] },
  });
  t.after(() => rig.controlPlane.must("DELETE", `${podPath}/${hostname()}`, { gracePeriodSeconds: 0 }));
  await rig.makeSecret("velero-repo-credentials", { other: "x" });
  const agent = await rig.startAgent({ node });
  t.after(() => agent.stop());
  const port = /serving metrics.*port=(\d+)/.exec(agent.output())?.[1];
  const readyz = async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
    return `${answer.status} ${await answer.text()}`;
  };
  await eventually("the doctor has spoken", async () => (await readyz()).startsWith("503"));
  assert.match(
    await readyz(),
    /^503 not ok\nrepository-secret: the Secret velero\/velero-repo-credentials .* has no such key/,
  );
  assert.match(agent.output(), /level=error msg="a check of what the agent needs failed" check=repository-secret/);
  const events = async () => {
    const answer = await rig.controlPlane.must("GET", "/api/v1/namespaces/velero/events");
    const { items } = answer as { items: { reason: string; message: string; involvedObject: { name: string } }[] };
    return items.filter(({ involvedObject }) => involvedObject.name === hostname());
  };
  await eventually("there is an Event", async () => (await events()).length > 0);
  const [event] = await events();
  assert.equal(event?.reason, "DoctorFailed");
  assert.match(event?.message ?? "", /repository-secret: .*has no such key/);
  await rig.makeSecret("velero-repo-credentials", { "repository-password": "a password for tests" });
  await eventually("it is ready", async () => (await readyz()) === "200 ok\n");
  await eventually("there is another Event", async () =>
    (await events()).some(({ reason }) => reason === "DoctorPassed"),
  );
});
