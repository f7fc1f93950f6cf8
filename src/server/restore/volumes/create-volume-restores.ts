// Makes the PodVolumeRestores of one pod, once its namespace's repository is ready.
import type { Pod } from "../../../api/core.ts";
import type { PodVolumeRestore } from "../../../api/pod-volume-restore.ts";
import { persistentVolumeClaims, podVolumeRestores } from "../../../api/resources.ts";
import { KubeError } from "../../../kube/kube-errors.ts";
import { makePodVolumeRestore } from "./make-pod-volume-restore.ts";
import { claimNameOf } from "./restore-volume-info.ts";
import type { RestoredPod, VolumeRestoresOptions } from "./restored-pod.ts";

const repositoryPollMs = 500;

/**
 * @param onMade told of each, also of those that were there already.
 * @throws Error that says why the others cannot be made
 */
export async function createVolumeRestores(
  restored: RestoredPod,
  options: VolumeRestoresOptions,
  onMade: (made: PodVolumeRestore) => void,
): Promise<void> {
  const repositoryIdentifier = await waitForRepository(restored.sourceNamespace, options);
  for (const snapshot of restored.snapshots) {
    const wanted = makePodVolumeRestore({
      restore: options.restore,
      pod: restored.pod,
      snapshot,
      sourceNamespace: restored.sourceNamespace,
      storageLocation: options.location.metadata.name,
      repositoryIdentifier,
      claimUid: await claimUidOf(restored.pod, snapshot.volume, options),
    });
    onMade(await createOrFind(wanted, options));
  }
}

async function waitForRepository(
  volumeNamespace: string,
  { context, location, signal }: VolumeRestoresOptions,
): Promise<string> {
  const waitingSinceMs = context.clock.now();
  for (;;) {
    const repository = await context.ensureRepository({ volumeNamespace, location, waitingSinceMs }, signal);
    if (repository !== "wait") {
      if ("error" in repository) throw new Error(repository.error);
      return repository.identifier;
    }
    await context.clock.sleep(repositoryPollMs, signal);
  }
}

/** Only a label, for people who look for it; the claim may come later than its pod. */
async function claimUidOf(
  pod: Pod,
  volumeName: string,
  { context, signal }: VolumeRestoresOptions,
): Promise<string | undefined> {
  const name = claimNameOf(pod, volumeName);
  if (name === undefined) return undefined;
  const address = { namespace: pod.metadata.namespace, name };
  return (await context.client.find(persistentVolumeClaims, address, { signal }))?.metadata.uid;
}

/** The name says which volume of which pod of which Restore it is, so one that exists already is the one that is wanted. */
async function createOrFind(
  wanted: ReturnType<typeof makePodVolumeRestore>,
  { context, signal }: VolumeRestoresOptions,
): Promise<PodVolumeRestore> {
  try {
    return await context.client.create(podVolumeRestores, wanted, { signal });
  } catch (error) {
    if (!KubeError.is(error, "already-exists")) throw error;
    const address = { namespace: context.namespace, name: wanted.metadata.name ?? "" };
    return await context.client.get(podVolumeRestores, address, { signal });
  }
}
