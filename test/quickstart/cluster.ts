// The cluster of the demonstration: etcd, kube-apiserver and an S3 server as processes, our CRDs and roles applied, our
// server and agent running with exactly the rights that the manifests give them.
import { join } from "node:path";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { freePort, type RunningProcess, startProcess } from "../support/processes.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";
import { say, timed } from "./narration.ts";

const root = join(import.meta.dirname, "..", "..");
const program = join(root, "src", "main.ts");
export const nodeName = "node-1";

export interface Cluster {
  readonly control: ControlPlane;
  readonly store: S3Server;
  /** Where the kubelet would keep the pods' volumes. */
  readonly podsDirectory: string;
  /** Starts a role of the program as a process of its own. */
  startRole(name: string, words: readonly string[], env?: Record<string, string>): Promise<RunningProcess>;
  stop(): Promise<void>;
}

/** Starts everything but the agent and the server. */
export async function startCluster(folder: string): Promise<Cluster> {
  const running: { stop(): Promise<unknown> }[] = [];
  const stop = async (): Promise<void> => {
    for (const one of running.splice(0).reverse()) await one.stop();
  };
  try {
    const control = await timed("etcd and kube-apiserver are ready", startControlPlane);
    running.push(control);
    const store = await timed("the S3 server (versitygw) is ready", () => startS3Server({ buckets: ["backups"] }));
    running.push(store);
    await applyManifests(control);
    return {
      control,
      store,
      podsDirectory: join(folder, "pods"),
      stop,
      startRole: async (name, words, env = {}) => {
        const role = await startProcess(process.execPath, { name, args: [program, ...words], env });
        running.push(role);
        return role;
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function applyManifests(control: ControlPlane): Promise<void> {
  for (const path of ["manifests/namespace.yaml", "manifests/crds", "manifests/rbac"]) {
    const { code, stderr } = await control.kubectl(["apply", "-f", join(root, path)]);
    if (code !== 0) throw new Error(`kubectl apply -f ${path}: ${stderr}`);
  }
  const { stdout } = await control.kubectl(["get", "crds", "-o", "name"]);
  say(`$ kubectl apply -f manifests/namespace.yaml -f manifests/crds -f manifests/rbac`);
  say(`${stdout.trim().split("\n").length} custom resource definitions, roles for the agent and for the server`);
}

/** Starts `stowage server` and `stowage agent`, each as its service account. */
export async function startRoles(cluster: Cluster): Promise<void> {
  const { control } = cluster;
  const started = [
    { role: "server", account: "stowage-server", flags: [], env: {} },
    {
      role: "agent",
      account: "stowage-agent",
      flags: ["--host-pods-dir", cluster.podsDirectory],
      env: { NODE_NAME: nodeName },
    },
  ];
  for (const { role, account, flags, env } of started) {
    const kubeconfig = await control.serviceAccountKubeconfig("velero", account);
    const metricsAddress = `127.0.0.1:${await freePort()}`;
    const words = [
      role,
      "--kubeconfig",
      kubeconfig,
      "--namespace",
      "velero",
      "--metrics-address",
      metricsAddress,
      ...flags,
    ];
    await cluster.startRole(`stowage ${role}`, words, { VELERO_NAMESPACE: "velero", ...env });
    say(`stowage ${role} runs as service account ${account}`);
  }
}
