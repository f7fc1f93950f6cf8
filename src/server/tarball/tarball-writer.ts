// Writes the tarball of a Backup (velero-contract §7.5): gzip over tar, streamed to a file of the scratch folder.
import type { AnyKubeObject, ResourceDescriptor } from "../../kube/kube-object.ts";

export interface TarballWriter {
  /** Below its resource, and once more below the resource's version. Resolves when the bytes are on their way. */
  add(resource: ResourceDescriptor<AnyKubeObject>, object: AnyKubeObject): Promise<void>;
  /** Completes the file; nothing can be added after that. */
  finish(): Promise<{ readonly path: string; readonly sizeBytes: number }>;
  /** Removes the file, complete or not. */
  discard(): Promise<void>;
}

/**
 * @param scratchDirectory must exist.
 * @throws TarballError "scratch-unusable", here and in the methods
 */
export async function createTarball(scratchDirectory: string): Promise<TarballWriter> {
  return await Promise.reject(new Error(`bug: not there yet: ${scratchDirectory}`));
}
