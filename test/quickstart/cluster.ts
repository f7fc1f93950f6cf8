// The cluster of the demonstration: the real control plane and an S3 server as processes, our CRDs and roles applied, our
// server and agent running with exactly the rights that the manifests give them.
import { type LivingCluster, startLivingCluster } from "../support/living-cluster.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";
import { say, timed } from "./narration.ts";

export interface Cluster {
  readonly living: LivingCluster;
  readonly store: S3Server;
  stop(): Promise<void>;
}

export async function startCluster(): Promise<Cluster> {
  const store = await timed("the S3 server (versitygw) is ready", () => startS3Server({ buckets: ["backups"] }));
  try {
    const options = { s3: store, bucket: "backups" };
    const ready = "etcd, kube-apiserver and kube-controller-manager are ready, CRDs and roles applied";
    const living = await timed(ready, () => startLivingCluster(options));
    say("no container runtime is needed: a played kubelet gives pods their directories and their status");
    const stop = async (): Promise<void> => {
      await living.stop();
      await store.stop();
    };
    return { living, store, stop };
  } catch (error) {
    await store.stop();
    throw error;
  }
}

/** Starts `stowage server` and `stowage agent`, each as its service account. */
export async function startRoles({ living }: Cluster): Promise<void> {
  await living.startServer();
  say("stowage server runs as service account stowage-server");
  await living.startAgent();
  say("stowage agent runs as service account stowage-agent; it sees the pods' directories");
}
