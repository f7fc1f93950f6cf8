// The overlays, the components and the Helm chart in deploy/: the real API server takes what they make, and the chart makes
// the same as kustomize does.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { parse, parseAllDocuments } from "yaml";
import { distributions } from "../../agent/doctor/distributions.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { goModuleDir, helmBinary } from "../support/peers.ts";
import { type ProcessResult, runProcess } from "../support/processes.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const root = join(import.meta.dirname, "..", "..");
const deploy = join(root, "deploy");
const chart = join(deploy, "helm", "stowage");
const openshiftApi = "v0.0.0-20251015095338-264e80a2b6e7";
let controlPlane: ControlPlane;

before(async () => {
  controlPlane = await startControlPlane();
  await kubectl(["apply", "--server-side", "-f", join(root, "manifests", "namespace.yaml")]);
  const crds = join(goModuleDir("github.com/openshift/api", openshiftApi), "payload-manifests", "crds");
  const constraints = join(crds, "0000_03_config-operator_01_securitycontextconstraints.crd.yaml");
  await kubectl(["apply", "--server-side", "-f", constraints]);
  await kubectl(["wait", "--for=condition=Established", "crd", "--all"]);
});
after(() => controlPlane.stop());

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

interface Workload extends Manifest {
  readonly spec: {
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: {
        readonly containers: readonly Readonly<Record<string, unknown>>[];
        readonly volumes: readonly { readonly name: string; readonly hostPath?: { readonly path: string } }[];
        readonly [field: string]: unknown;
      };
    };
  };
}

async function kubectl(args: readonly string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await controlPlane.kubectl(args, input);
  assert.equal(code, 0, `kubectl ${args.join(" ")}: ${stderr}`);
  return stdout;
}

async function accept(text: string): Promise<void> {
  await kubectl(["apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-"], text);
}

async function kustomize(folder: string): Promise<Manifest[]> {
  return manifestsIn(await kubectl(["kustomize", folder]));
}

/** Sorted by kind and name. */
function manifestsIn(text: string): Manifest[] {
  const all = parseAllDocuments(text).map((document) => document.toJS() as Manifest | null);
  const present = all.filter((manifest) => manifest !== null);
  return present.sort((a, b) => nameOf(a).localeCompare(nameOf(b)));
}

function nameOf({ kind, metadata }: Manifest): string {
  return `${kind} ${metadata.name}`;
}

async function helm(t: TestContext, args: readonly string[]): Promise<ProcessResult> {
  return await runProcess(helmBinary(), { args, env: { HOME: temporaryDirectory(t) } });
}

async function render(t: TestContext, values: object = {}, flags: readonly string[] = []): Promise<string> {
  const file = join(temporaryDirectory(t), "values.json");
  writeFileSync(file, JSON.stringify(values));
  const { code, stdout, stderr } = await helm(t, ["template", "x", chart, "-n", "velero", "-f", file, ...flags]);
  assert.equal(code, 0, stderr);
  return stdout;
}

/** What a chart leaves to others: the namespace, and CRDs, which Helm keeps apart. */
function withoutFrame(manifests: readonly Manifest[]): Manifest[] {
  return manifests.filter(({ kind }) => kind !== "Namespace" && kind !== "CustomResourceDefinition");
}

function workload(manifests: readonly Manifest[], kind: string): Workload {
  return manifests.find((manifest) => manifest.kind === kind) as Workload;
}

function hostPath(manifests: readonly Manifest[]): string | undefined {
  const { volumes } = workload(manifests, "DaemonSet").spec.template.spec;
  return volumes.find(({ name }) => name === "host-pods")?.hostPath?.path;
}

const overlays = readdirSync(join(deploy, "overlays")).sort();

test("there is an overlay for each distribution that the doctor knows, and for RKE 1", () => {
  assert.deepEqual([...new Set([...distributions.map(({ overlay }) => overlay), "rke1"])].sort(), overlays);
});

for (const overlay of overlays) {
  test(`the API server takes the overlay ${overlay}, whose host path is that of the distribution's kubelet`, async () => {
    const folder = join(deploy, "overlays", overlay);
    const text = await kubectl(["kustomize", folder]);
    await accept(text);
    const kubeletRoot = distributions.find((one) => one.overlay === overlay)?.kubeletRoot ?? "/opt/rke/var/lib/kubelet";
    assert.equal(hostPath(manifestsIn(text)), `${kubeletRoot}/pods`);
  });
}

test("OpenShift's constraints allow the capabilities that the DaemonSet adds, and no privileged container", async () => {
  const manifests = await kustomize(join(deploy, "overlays", "openshift"));
  const constraints = manifests.find(({ kind }) => kind === "SecurityContextConstraints");
  const [container] = workload(manifests, "DaemonSet").spec.template.spec.containers;
  const { capabilities } = (container?.securityContext ?? {}) as { capabilities?: { add: string[]; drop: string[] } };
  assert.deepEqual(constraints?.allowedCapabilities, capabilities?.add);
  assert.deepEqual(constraints?.requiredDropCapabilities, capabilities?.drop);
  assert.equal(constraints?.allowPrivilegedContainer, false);
});

test("the chart makes what kustomize makes: by default, with its CRDs, and in each overlay", async (t) => {
  const base = await kustomize(join(root, "manifests"));
  assert.deepEqual(manifestsIn(await render(t)), withoutFrame(base));
  const whole = manifestsIn(await render(t, {}, ["--include-crds"]));
  assert.deepEqual(
    whole,
    base.filter(({ kind }) => kind !== "Namespace"),
  );
  for (const overlay of overlays) {
    const made = withoutFrame(await kustomize(join(deploy, "overlays", overlay)));
    const kubeletRoot = (hostPath(made) ?? "").replace(/\/pods$/, "");
    const values = { kubeletRoot, openshift: { enabled: overlay === "openshift" } };
    assert.deepEqual(manifestsIn(await render(t, values)), made, overlay);
  }
});

test("the network policy and the disruption budget are the same as components and by values, and accepted", async (t) => {
  const folder = temporaryDirectory(t);
  const to = (path: string): string => relative(folder, join(root, path));
  const components = ["network-policy", "disruption-budget"].map((name) => to(`deploy/components/${name}`));
  const kustomization = { resources: [to("manifests")], components };
  writeFileSync(join(folder, "kustomization.yaml"), JSON.stringify(kustomization));
  const text = await kubectl(["kustomize", folder]);
  await accept(text);
  const values = { networkPolicy: { enabled: true }, server: { disruptionBudget: { enabled: true } } };
  assert.deepEqual(manifestsIn(await render(t, values)), withoutFrame(manifestsIn(text)));
});

const everything = {
  image: {
    repository: "registry.example.com/stowage",
    digest: `sha256:${"a".repeat(64)}`,
    pullSecrets: [{ name: "pull" }],
  },
  priorityClass: { create: false, name: "system-node-critical" },
  agent: {
    extraArgs: ["--log-format=json"],
    extraEnv: [{ name: "TMPDIR", value: "/tmp" }],
    extraVolumes: [{ name: "store", hostPath: { path: "/srv/store" } }],
    extraVolumeMounts: [{ name: "store", mountPath: "/srv/store" }],
    resources: { limits: { memory: "256Mi" } },
    tolerations: [],
    nodeSelector: { disk: "fast" },
    affinity: { nodeAffinity: {} },
    updateStrategy: { type: "OnDelete" },
    terminationGracePeriodSeconds: 120,
    podAnnotations: { a: "b", "prometheus.io/scrape": "false" },
    podLabels: { team: "storage", name: "other" },
    serviceAccount: { annotations: { "eks.amazonaws.com/role-arn": "arn" } },
  },
  server: { rights: { backupObjects: true, restoreObjects: false }, extraArgs: ["--default-backup-ttl=24h"] },
};

test("every value arrives where it belongs, and the API server takes the result", async (t) => {
  const text = await render(t, everything);
  await accept(text);
  const manifests = manifestsIn(text);
  const { metadata, spec } = workload(manifests, "DaemonSet").spec.template;
  const [container] = spec.containers;
  assert.equal(container?.image, `registry.example.com/stowage@sha256:${"a".repeat(64)}`);
  assert.deepEqual([container?.command, container?.args], [["stowage", "agent"], ["--log-format=json"]]);
  assert.deepEqual(container?.resources, { limits: { memory: "256Mi" } });
  assert.deepEqual([spec.tolerations, spec.priorityClassName], [[], "system-node-critical"]);
  assert.deepEqual(spec.nodeSelector, { disk: "fast", "kubernetes.io/os": "linux" });
  assert.equal(spec.volumes.at(-1)?.hostPath?.path, "/srv/store");
  // Velero's server looks for these.
  assert.deepEqual(metadata.labels, { team: "storage", component: "velero", name: "node-agent", role: "node-agent" });
  const names = manifests.map(nameOf);
  assert.ok(!names.includes("PriorityClass stowage") && names.includes("ClusterRoleBinding stowage-server-backup"));
  assert.ok(!names.some((name) => name.includes("stowage-server-restore")));
  const account = manifests.find((manifest) => nameOf(manifest) === "ServiceAccount stowage-agent");
  assert.match(JSON.stringify(account?.metadata), /role-arn/);
});

test("without a server only the agent's objects are made; in another namespace none of them names velero's", async (t) => {
  const alone = manifestsIn(await render(t, { server: { enabled: false } }));
  assert.ok(alone.every(({ metadata }) => !metadata.name.includes("server")));
  assert.equal(workload(alone, "Deployment"), undefined);
  const values = { networkPolicy: { enabled: true }, server: { disruptionBudget: { enabled: true } } };
  const text = await render(t, { ...values, openshift: { enabled: true } }, ["-n", "backup"]);
  for (const manifest of manifestsIn(text)) {
    const { namespace } = manifest.metadata;
    assert.ok(namespace === undefined || namespace === "backup", nameOf(manifest));
    assert.doesNotMatch(JSON.stringify(manifest), /"namespace":"velero"|serviceaccount:velero/, nameOf(manifest));
  }
});

test("a value that is misspelled, or of the wrong kind, is refused by its name", async (t) => {
  const refusal = async (...flags: string[]): Promise<string> => {
    const { code, stderr } = await helm(t, ["template", "x", chart, ...flags]);
    assert.notEqual(code, 0);
    return stderr;
  };
  assert.match(await refusal("--set", "agent.tolerationss=x"), /tolerationss/);
  assert.match(await refusal("--set", "kubeletRoot=var/lib/kubelet"), /kubeletRoot/);
  assert.match(await refusal("--set", "server.enabled=perhaps"), /enabled/);
});

test("helm finds nothing to complain of, and the schema names every value that there is", async (t) => {
  const { code, stdout, stderr } = await helm(t, ["lint", "--strict", chart]);
  assert.equal(code, 0, stdout + stderr);
  const schema = JSON.parse(readFileSync(join(chart, "values.schema.json"), "utf8")) as Schema;
  const values = parse(readFileSync(join(chart, "values.yaml"), "utf8")) as object;
  const { global: _, ...properties } = schema.properties ?? {};
  assert.deepEqual(Object.keys(properties).sort(), Object.keys(values).sort());
  for (const part of ["image", "agent", "server", "networkPolicy", "priorityClass"] as const) {
    const inValues = Object.keys((values as Record<string, object>)[part] ?? {}).sort();
    assert.deepEqual(Object.keys(properties[part]?.properties ?? {}).sort(), inValues, part);
  }
});

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
}

test("chart, program and image have one version", async () => {
  const { version, appVersion } = parse(readFileSync(join(chart, "Chart.yaml"), "utf8")) as Record<string, string>;
  const program = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  assert.deepEqual([version, appVersion], [program.version, program.version]);
  const [container] = workload(await kustomize(join(root, "manifests")), "DaemonSet").spec.template.spec.containers;
  assert.equal(container?.image, `stowage:${program.version}`);
});
