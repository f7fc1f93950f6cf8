// `<r>-volumeinfo.json.gz`: which volume was restored from what, in the words of Velero's own (velero:
// internal/volume/volumes_information.go).
import type { Pod } from "../../../api/core.ts";
import type { PodVolumeRestore } from "../../../api/pod-volume-restore.ts";
import { persistentVolumeClaims } from "../../../api/resources.ts";
import type { TypedClient } from "../../../kube/typed-client.ts";

export interface RestoreVolumeInfo {
  readonly pvcName?: string;
  readonly pvcNamespace?: string;
  readonly pvName?: string;
  readonly restoreMethod: "PodVolumeRestore";
  readonly snapshotDataMoved: false;
  readonly pvrInfo: {
    readonly snapshotHandle: string;
    readonly size?: number;
    readonly uploaderType: string;
    readonly volumeName: string;
    readonly podName: string;
    readonly podNamespace: string;
    readonly nodeName?: string;
  };
}

/** One that has ended, with its pod. */
export interface EndedVolumeRestore {
  readonly pod: Pod;
  readonly volumeRestore: PodVolumeRestore;
}

export async function restoreVolumeInfos(
  ended: readonly EndedVolumeRestore[],
  client: Pick<TypedClient, "find">,
  signal: AbortSignal,
): Promise<readonly RestoreVolumeInfo[]> {
  const infos: RestoreVolumeInfo[] = [];
  for (const { pod, volumeRestore } of ended) {
    const { spec, status = {} } = volumeRestore;
    const { totalBytes } = status.progress ?? {};
    infos.push({
      ...(await claimInfo(pod, spec.volume, { client, signal })),
      restoreMethod: "PodVolumeRestore",
      snapshotDataMoved: false,
      pvrInfo: {
        snapshotHandle: spec.snapshotID,
        ...(totalBytes === undefined ? {} : { size: totalBytes }),
        uploaderType: spec.uploaderType ?? "restic",
        volumeName: spec.volume,
        podName: spec.pod.name ?? "",
        podNamespace: spec.pod.namespace ?? "",
        ...(status.node === undefined ? {} : { nodeName: status.node }),
      },
    });
  }
  return infos;
}

async function claimInfo(
  pod: Pod,
  volumeName: string,
  { client, signal }: { readonly client: Pick<TypedClient, "find">; readonly signal: AbortSignal },
): Promise<Pick<RestoreVolumeInfo, "pvcName" | "pvcNamespace" | "pvName">> {
  const name = claimNameOf(pod, volumeName);
  if (name === undefined) return {};
  const namespace = pod.metadata.namespace ?? "";
  const claim = await client.find(persistentVolumeClaims, { namespace, name }, { signal });
  const pvName = claim?.spec?.volumeName;
  return { pvcName: name, pvcNamespace: namespace, ...(pvName === undefined ? {} : { pvName }) };
}

/** The claim behind a pod's volume; that of an ephemeral one is named by pod and volume. */
export function claimNameOf(pod: Pod, volumeName: string): string | undefined {
  const volume = pod.spec?.volumes?.find(({ name }) => name === volumeName);
  if (volume?.ephemeral !== undefined) return `${pod.metadata.name}-${volumeName}`;
  return volume?.persistentVolumeClaim?.claimName;
}
