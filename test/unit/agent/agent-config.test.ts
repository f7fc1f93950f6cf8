import assert from "node:assert/strict";
import { test } from "node:test";
import { readAgentConfig } from "../../../agent/agent-config.ts";

const env = { NODE_NAME: "n1", VELERO_NAMESPACE: "velero" };

test("without flags every default holds", () => {
  const config = readAgentConfig([], env);
  assert.deepEqual(config, {
    nodeName: "n1",
    namespace: "velero",
    kubeconfig: undefined,
    hostPodsDir: "/host_pods",
    scratchDir: undefined,
    nodeAgentConfigMap: undefined,
    resourceTimeoutMs: 600_000,
    lockTimeoutMs: 900_000,
    stallTimeoutMs: 1_800_000,
    cacheDirectory: undefined,
    cacheMaxBytes: undefined,
    metricsAddress: ":8085",
    logLevel: "info",
    logFormat: "text",
    restoreDevices: false,
    allowUnmountedVolumes: false,
    warnings: [],
  });
  assert.ok(Object.isFrozen(config));
});

test("flags come as --name=value and as --name value, and win over the environment", () => {
  const config = readAgentConfig(["--namespace", "other", "--host-pods-dir=/pods", "--resource-timeout=1m30s"], env);
  assert.equal(config?.namespace, "other");
  assert.equal(config?.hostPodsDir, "/pods");
  assert.equal(config?.resourceTimeoutMs, 90_000);
});

test("copies are kept in the pod's temporary folder, elsewhere only where a flag says so, and nowhere with --no-cache", () => {
  const directoryOf = (argv: string[], more: Record<string, string> = {}): string | undefined =>
    readAgentConfig(argv, { ...env, ...more })?.cacheDirectory;
  const inPod = { KUBERNETES_SERVICE_HOST: "10.0.0.1" };
  assert.equal(directoryOf([], inPod), "/tmp/stowage-cache");
  assert.equal(directoryOf([], { ...inPod, TMPDIR: "/scratch" }), "/scratch/stowage-cache");
  assert.equal(directoryOf([], { TMPDIR: "/scratch" }), undefined);
  assert.equal(directoryOf(["--cache-dir", "/cache"]), "/cache");
  assert.equal(directoryOf(["--no-cache"], inPod), undefined);
  assert.equal(directoryOf(["--no-cache", "--cache-dir=/cache"], inPod), undefined);
  assert.equal(readAgentConfig(["--cache-size=500M"], env)?.cacheMaxBytes, 500 * 1024 ** 2);
  assert.throws(() => readAgentConfig(["--cache-size=much"], env), { code: "flag-invalid", message: /much/ });
});

test("the scratch folder is Velero's, or that of the flag", () => {
  assert.equal(readAgentConfig([], { ...env, VELERO_SCRATCH_DIR: "/scratch" })?.scratchDir, "/scratch");
  const both = readAgentConfig(["--scratch-dir=/other"], { ...env, VELERO_SCRATCH_DIR: "/scratch" });
  assert.equal(both?.scratchDir, "/other");
  assert.equal(readAgentConfig([], { ...env, VELERO_SCRATCH_DIR: "" })?.scratchDir, undefined);
});

test("the arguments of Velero's own DaemonSet are accepted, and what is unknown is only warned about", () => {
  const argv = [
    "--features=EnableCSI",
    "--data-mover-prepare-timeout",
    "30m",
    "--node-agent-configmap=conf",
    "--colorized",
  ];
  const config = readAgentConfig(argv, env);
  assert.equal(config?.nodeAgentConfigMap, "conf");
  assert.equal(config?.warnings.length, 3);
  assert.match(config?.warnings[0] ?? "", /--features/);
});

test("Velero's names of log levels are understood", () => {
  assert.equal(readAgentConfig(["--log-level=warning"], env)?.logLevel, "warn");
  assert.equal(readAgentConfig(["--log-level=trace"], env)?.logLevel, "debug");
});

test("a bad value, a stray word and a missing node name are refused with the reason", () => {
  assert.throws(() => readAgentConfig(["--resource-timeout=soon"], env), { code: "flag-invalid", message: /soon/ });
  assert.throws(() => readAgentConfig(["--log-format=xml"], env), { code: "flag-invalid" });
  assert.throws(() => readAgentConfig(["start"], env), { code: "flag-unknown" });
  assert.throws(() => readAgentConfig([], {}), { code: "environment-missing", message: /NODE_NAME/ });
});

test("--help asks for nothing else", () => {
  assert.equal(readAgentConfig(["--help"], {}), undefined);
});
