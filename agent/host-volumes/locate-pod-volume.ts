// Pod and volume name → the volume's directory below the host's pods directory. Follows Velero's rules (which directory
// name belongs to which kind of volume), and knows generic ephemeral volumes as well.

import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from "../../src/api/core.ts";
import { csiDrivers, persistentVolumeClaims, persistentVolumes } from "../../src/api/resources.ts";
import type { TypedClient } from "../../src/kube/typed-client.ts";
import { VolumeError } from "./volume-error.ts";

export interface LocatedVolume {
  /** Absolute, as this process sees it. */
  readonly path: string;
  /** True when the kubelet mounts something there: an empty directory that is no mount point is then a lie. */
  readonly mustBeMounted: boolean;
  /** Undefined when the volume has none. */
  readonly claim: PersistentVolumeClaim | undefined;
}

export interface LocateOptions {
  readonly client: Pick<TypedClient, "get" | "find">;
  readonly hostPodsDir: string;
  readonly signal?: AbortSignal | undefined;
}

/** Where below `volumes/<plugin>/` a volume lies. */
interface DirectoryName {
  readonly name: string;
  readonly mustBeMounted: boolean;
}

/** @throws VolumeError; KubeError when the API server cannot be asked */
export async function locatePodVolume(pod: Pod, volumeName: string, options: LocateOptions): Promise<LocatedVolume> {
  const volume = pod.spec?.volumes?.find((candidate) => candidate.name === volumeName);
  if (volume === undefined) {
    const pod_ = describePod(pod);
    throw new VolumeError("volume-missing", `pod ${pod_} has no volume ${volumeName}`, { volume: volumeName });
  }
  const claim = await claimOf(pod, volume, options);
  const directory = await directoryNameOf(volume, claim, options);
  const volumes = join(options.hostPodsDir, hostUidOf(pod), "volumes");
  const matches = await directoriesNamed(volumes, directory.name);
  const [path] = matches;
  if (path !== undefined && matches.length === 1) return { path, mustBeMounted: directory.mustBeMounted, claim };
  const pattern = join(volumes, "*", directory.name);
  throw new VolumeError(
    matches.length === 0 ? "no-directory" : "several-directories",
    `expected one matching path: ${pattern}, got ${matches.length}`,
    { pattern, matches: matches.length },
  );
}

/** The kubelet names the directory of a static pod by the hash of its file, not by the uid of its mirror in the API. */
export function hostUidOf(pod: Pod): string {
  return pod.metadata.annotations?.["kubernetes.io/config.mirror"] ?? pod.metadata.uid ?? "";
}

async function directoryNameOf(
  volume: Volume,
  claim: PersistentVolumeClaim | undefined,
  options: LocateOptions,
): Promise<DirectoryName> {
  if (claim === undefined) return directoryNameWithoutClaim(volume);
  const place = `${claim.metadata.namespace}/${claim.metadata.name}`;
  if (claim.spec?.volumeMode === "Block") {
    throw new VolumeError("block-volume", `volume ${volume.name} uses the claim ${place}, which is in block mode`);
  }
  const volumeName = claim.spec?.volumeName ?? "";
  if (volumeName === "") throw new VolumeError("claim-unbound", `claim ${place} has no volume yet`);
  const persistentVolume = await options.client.get(persistentVolumes, { name: volumeName }, options);
  const isCsi = await isCsiVolume(persistentVolume, options);
  return { name: isCsi ? `${volumeName}/mount` : volumeName, mustBeMounted: true };
}

function directoryNameWithoutClaim(volume: Volume): DirectoryName {
  if (volume.csi !== undefined) return { name: `${volume.name}/mount`, mustBeMounted: true };
  const isOnNodeDisk = volume.emptyDir !== undefined && (volume.emptyDir.medium ?? "") === "";
  return { name: volume.name, mustBeMounted: !isOnNodeDisk && volume.gitRepo === undefined };
}

/** The claim behind a volume; undefined when it has none. */
async function claimOf(pod: Pod, volume: Volume, options: LocateOptions): Promise<PersistentVolumeClaim | undefined> {
  const name = claimNameOf(pod, volume);
  if (name === undefined) return undefined;
  const namespace = pod.metadata.namespace;
  const claim = await options.client.find(persistentVolumeClaims, { namespace, name }, options);
  if (claim === undefined) throw new VolumeError("claim-missing", `claim ${namespace}/${name} does not exist`);
  const isGenerated = volume.ephemeral !== undefined;
  if (isGenerated && claim.metadata.ownerReferences?.some((owner) => owner.uid === pod.metadata.uid) !== true) {
    throw new VolumeError("claim-missing", `claim ${namespace}/${name} was not made for pod ${describePod(pod)}`);
  }
  return claim;
}

function claimNameOf(pod: Pod, volume: Volume): string | undefined {
  if (volume.persistentVolumeClaim !== undefined) return volume.persistentVolumeClaim.claimName;
  return volume.ephemeral === undefined ? undefined : `${pod.metadata.name}-${volume.name}`;
}

/** CSI itself, or an in-tree volume that is served by an installed CSI driver (CSI migration). */
async function isCsiVolume(volume: PersistentVolume, options: LocateOptions): Promise<boolean> {
  if (volume.spec?.csi !== undefined) return true;
  const { annotations = {} } = volume.metadata;
  for (const annotation of ["pv.kubernetes.io/provisioned-by", "pv.kubernetes.io/migrated-to"]) {
    const name = annotations[annotation];
    // Names of in-tree provisioners hold a slash and can be no CSIDriver's.
    if (name === undefined || name === "" || name.includes("/")) continue;
    if ((await options.client.find(csiDrivers, { name }, options)) !== undefined) return true;
  }
  return false;
}

/** One level of plugin directories is searched, whatever their names; links are not followed. */
async function directoriesNamed(volumes: string, name: string): Promise<string[]> {
  const plugins = await readdir(volumes).catch(() => []);
  const found: string[] = [];
  for (const plugin of plugins.sort()) {
    const path = join(volumes, plugin, name);
    const status = await lstat(path).catch(() => undefined);
    if (status?.isDirectory() === true) found.push(path);
  }
  return found;
}

function describePod(pod: Pod): string {
  return `${pod.metadata.namespace}/${pod.metadata.name}`;
}
