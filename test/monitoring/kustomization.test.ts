// kubectl renders manifests/monitoring, a real API server takes it with the operator's definitions, its objects are what the Prometheus operator and Grafana look for, and the PodMonitors
// find the pods of our manifests.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { parseAllDocuments } from "yaml";
import { startControlPlane } from "../support/control-plane.ts";
import { goModuleDir, kubectlBinary } from "../support/peers.ts";
import { runProcess } from "../support/processes.ts";

const manifests = join(import.meta.dirname, "..", "..", "manifests");

interface Rendered {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Record<string, string> };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly podMetricsEndpoints: readonly {
      readonly port: string;
      readonly path: string;
      readonly honorLabels: boolean;
    }[];
  };
}

interface Workload {
  readonly spec: {
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: { readonly containers: readonly { readonly ports?: readonly { readonly name: string }[] }[] };
    };
  };
}

const operator = "github.com/prometheus-operator/prometheus-operator";
let objects: readonly Rendered[] = [];

before(async () => {
  const { code, stdout, stderr } = await runProcess(kubectlBinary(), {
    args: ["kustomize", join(manifests, "monitoring")],
  });
  assert.equal(code, 0, stderr);
  objects = parseAllDocuments(stdout).map((document) => document.toJS() as Rendered);
});

test("it makes two PodMonitors, the rules and the dashboard, all in Velero's namespace", () => {
  const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`);
  assert.deepEqual(names.sort(), [
    "ConfigMap velero/stowage-dashboard",
    "PodMonitor velero/stowage-agent",
    "PodMonitor velero/stowage-server",
    "PrometheusRule velero/stowage",
  ]);
});

test("the ConfigMap holds the dashboard under the label for which Grafana's sidecar looks", () => {
  const configMap = objects.find(({ kind }) => kind === "ConfigMap");
  assert.equal(configMap?.metadata.labels?.grafana_dashboard, "1");
  assert.equal(
    configMap?.data?.["stowage.json"],
    readFileSync(join(manifests, "monitoring", "dashboard.json"), "utf8"),
  );
});

for (const [monitor, file] of [
  ["stowage-agent", "agent-daemonset.yaml"],
  ["stowage-server", "server-deployment.yaml"],
] as const) {
  test(`the PodMonitor ${monitor} finds the pods of ${file} and their port, and keeps our labels`, () => {
    const spec = objects.find(({ kind, metadata }) => kind === "PodMonitor" && metadata.name === monitor)?.spec;
    const [document] = parseAllDocuments(readFileSync(join(manifests, file), "utf8"));
    assert.ok(document !== undefined);
    const { metadata, spec: pod } = (document.toJS() as Workload).spec.template;
    const wanted = Object.entries(spec?.selector.matchLabels ?? {});
    assert.ok(wanted.length > 0);
    for (const [label, value] of wanted) assert.equal(metadata.labels[label], value);
    const ports = pod.containers.flatMap((container) => container.ports ?? []).map(({ name }) => name);
    const [endpoint] = spec?.podMetricsEndpoints ?? [];
    assert.ok(ports.includes(endpoint?.port ?? ""), String(ports));
    assert.deepEqual([endpoint?.path, endpoint?.honorLabels], ["/metrics", true]);
  });
}

test("the API server accepts all of it with the operator's own definitions, and finds no field that they do not know", async () => {
  const controlPlane = await startControlPlane();
  try {
    const kubectl = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await controlPlane.kubectl(args);
      assert.equal(code, 0, stderr);
      return stdout;
    };
    const crds = join(goModuleDir(operator, "v0.85.0"), "example", "prometheus-operator-crd");
    for (const plural of ["podmonitors", "prometheusrules"])
      await kubectl("apply", "--server-side", "-f", join(crds, `monitoring.coreos.com_${plural}.yaml`));
    await kubectl("wait", "--for=condition=Established", "crd", "--all");
    await kubectl("create", "namespace", "velero");
    const words = ["apply", "--server-side", "--validate=strict", "-k", join(manifests, "monitoring")];
    assert.equal((await kubectl(...words)).trim().split("\n").length, 4);
  } finally {
    await controlPlane.stop();
  }
});
