// The real Velero server as a process, over the same control plane and bucket as ours. It brings its controllers and its own
// restic; the agent that moves the volumes is ours.
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { LivingCluster } from "./living-cluster.ts";
import { resticBinary, veleroBinary, veleroObjectStoreBinary } from "./peers.ts";
import { freePort, type RunningProcess, startProcess } from "./processes.ts";

/** Ended with the cluster, if not before. One at a time on a machine: it takes a fixed port for its controllers' metrics. */
export async function startVeleroServer(cluster: LivingCluster, ...flags: string[]): Promise<RunningProcess> {
  await makeOwnDeployment(cluster);
  const folder = join(cluster.folder, "velero");
  for (const part of ["plugins", "bin", "tmp", "home"]) mkdirSync(join(folder, part), { recursive: true });
  link(veleroObjectStoreBinary(), join(folder, "plugins", "velero-object-store"));
  link(resticBinary(), join(folder, "bin", "restic"));
  const server = await startProcess(veleroBinary(), {
    name: "velero server",
    args: [
      ...["server", "--kubeconfig", cluster.controlPlane.adminKubeconfig, "--namespace", "velero"],
      ...["--uploader-type", "restic", "--plugin-dir", join(folder, "plugins")],
      ...["--metrics-address", `127.0.0.1:${await freePort()}`, "--profiler-address", `127.0.0.1:${await freePort()}`],
      ...flags,
    ],
    env: {
      HOME: join(folder, "home"),
      // It keeps credentials under fixed names there.
      TMPDIR: join(folder, "tmp"),
      PATH: `${join(folder, "bin")}:${process.env.PATH ?? ""}`,
      VELERO_NAMESPACE: "velero",
      AWS_ACCESS_KEY_ID: undefined,
      AWS_SECRET_ACCESS_KEY: undefined,
    },
    readyTimeoutMs: 60_000,
    isReady: (running) => running.output().includes("Server starting"),
  });
  cluster.adopt(server);
  return server;
}

/** The server reads its image from its own Deployment, for the containers that it puts into restored pods. */
async function makeOwnDeployment(cluster: LivingCluster): Promise<void> {
  const labels = { component: "velero", deploy: "velero" };
  const container = { name: "velero", image: "velero/velero:v1.16.2" };
  await cluster.apply({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "velero", namespace: "velero" },
    spec: {
      replicas: 0,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [container] } },
    },
  });
}

function link(target: string, path: string): void {
  try {
    symlinkSync(target, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
