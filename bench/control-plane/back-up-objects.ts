// `node bench/control-plane/back-up-objects.ts [OBJECTS [NAMESPACES]]`: what a Backup of that many objects costs the server,
// on a control plane of its own; 10,000 in 50 namespaces when nothing is said. Prints seconds, processor time and memory: of a
// process that only saves objects, and of the server, built and started as users start it, from the Backup's creation to its end.
import { join } from "node:path";
import { connectToCluster } from "../../src/kube/kube-connection.ts";
import { TypedClient } from "../../src/kube/typed-client.ts";
import { type RunningProcess, runProcess, startProcess } from "../../test/support/processes.ts";
import { type ServerRig, startServerRig } from "../../test/support/server-rig.ts";
import { startWords } from "../against-peers/our-program.ts";
import { runUnmeasured } from "../against-peers/run-unmeasured.ts";
import { forgetPeak, usageOf } from "../pipeline/process-usage.ts";
import type { ItemsMeasure } from "./items-process.ts";
import { makeObjects, namespaceNames, planObjects } from "./objects.ts";

const root = join(import.meta.dirname, "..", "..");
const backupTimeoutMs = 300_000;

const [objects = 10_000, namespaceCount = 50] = process.argv.slice(2).map(Number);
await runUnmeasured([process.execPath, join(root, ".ci", "build.mjs")]);
const rig = await startServerRig();
try {
  const begun = performance.now();
  const client = new TypedClient({ connection: connectToCluster(rig.controlPlane.adminKubeconfig) });
  const planned = planObjects(objects, namespaceNames(namespaceCount));
  await makeObjects(client, planned, new AbortController().signal);
  say(`${objects} objects in ${namespaceCount} namespaces were made in ${secondsSince(begun)} s`);
  say(`saving objects alone: ${JSON.stringify(await measureItems(rig))}`);
  say(`a Backup by the server: ${JSON.stringify(await measureServer(rig))}`);
} finally {
  await rig.stop();
}

async function measureItems({ controlPlane, folder }: ServerRig): Promise<ItemsMeasure> {
  const script = join(import.meta.dirname, "items-process.ts");
  const { code, stdout, stderr } = await runProcess(process.execPath, {
    args: [script, controlPlane.adminKubeconfig, folder],
  });
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as ItemsMeasure;
}

async function measureServer(subject: ServerRig): Promise<object> {
  await subject.makeLocation("default", { default: true });
  const server = await startBuiltServer(subject);
  await subject.when("backupstoragelocations", "default", ({ status }: { status?: { phase?: string } }) => {
    return status?.phase === "Available";
  });
  const idleMib = usageOf(server.pid).peakMib;
  const cpuBefore = usageOf(server.pid).cpuSeconds;
  forgetPeak(server.pid);
  const begun = performance.now();
  await subject.makeBackup("bench");
  const { status } = await subject.backupEnd("bench", backupTimeoutMs);
  const seconds = secondsSince(begun);
  const { cpuSeconds, peakMib } = usageOf(server.pid);
  await server.stop();
  const { phase, progress } = status ?? {};
  return { phase, progress, seconds, cpuSeconds: cpuSeconds - cpuBefore, idleMib, peakMib };
}

async function startBuiltServer({ controlPlane, folder }: ServerRig): Promise<RunningProcess> {
  const [program = "", ...words] = startWords(join(root, "dist", "src", "main.js"));
  const kubeconfig = await controlPlane.serviceAccountKubeconfig("velero", "stowage-server");
  const addresses = ["metrics", "download"].flatMap((name) => [`--${name}-address`, "127.0.0.1:0"]);
  return await startProcess(program, {
    name: "stowage server",
    args: [
      ...words,
      "server",
      "--kubeconfig",
      kubeconfig,
      "--namespace",
      "velero",
      "--scratch-dir",
      folder,
      ...addresses,
    ],
    env: { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined },
    isReady: (running) => running.output().includes("the server is running"),
  });
}

function secondsSince(begun: number): number {
  return Number(((performance.now() - begun) / 1000).toFixed(2));
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
