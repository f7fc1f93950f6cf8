// Images of the played runtime: which programs of this machine lie where in a container. Velero's has what the real one has;
// ours has what the Dockerfile puts there, but runs the sources.
import { dirname, join } from "node:path";
import {
  type ResticVersion,
  resticBinary,
  type VeleroVersion,
  veleroBinary,
  veleroObjectStoreBinary,
  veleroRestoreHelperBinary,
} from "./peers.ts";

export interface PlayedImage {
  /** Path in the container → program on this machine. */
  readonly links: Readonly<Record<string, string>>;
  /** Words when a container has no command. */
  readonly entrypoint: readonly string[];
}

/** First in the PATH of every container. */
export const imageBinFolder = "/image/bin";
export const ourImage = "stowage:0.1.0";
export const objectStoreImage = "played/velero-object-store:1.0";

const root: string = join(import.meta.dirname, "..", "..");

export function veleroImageName(version: VeleroVersion): string {
  return `velero/velero:v${version}`;
}

/** @param restic the real images have 0.15.0; any of ours stands for it. */
export function playedImages(
  versions: readonly VeleroVersion[],
  restic: ResticVersion,
): ReadonlyMap<string, PlayedImage> {
  const main = join(root, "src", "main.ts");
  const names = ["/velero", "/velero-restore-helper"];
  const ours = Object.fromEntries([...names, `${imageBinFolder}/stowage`].map((name) => [name, main]));
  const velero = (version: VeleroVersion): PlayedImage => ({
    links: {
      "/velero": veleroBinary(version),
      "/velero-restore-helper": veleroRestoreHelperBinary(),
      [`${imageBinFolder}/restic`]: resticBinary(restic),
    },
    entrypoint: ["/velero"],
  });
  const store = veleroObjectStoreBinary();
  return new Map<string, PlayedImage>([
    ...versions.map((version) => [veleroImageName(version), velero(version)] as const),
    [
      ourImage,
      { links: { ...ours, [`${imageBinFolder}/node`]: process.execPath }, entrypoint: [`${imageBinFolder}/stowage`] },
    ],
    [objectStoreImage, { links: {}, entrypoint: ["/bin/cp", store, "/target/velero-object-store"] }],
  ]);
}

/** Folders that programs need and that a container may not see, because it has a /tmp and a /var of its own. */
export function hiddenFolders(image: PlayedImage): readonly string[] {
  const folders = [root, ...[...Object.values(image.links), ...image.entrypoint].map(dirname)];
  return [...new Set(folders)].filter((folder) => /^\/(tmp|var)\//.test(folder));
}
