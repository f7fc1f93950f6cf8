// Writes the tarball of a Backup (velero-contract §7.5): gzip over tar, streamed to a file of the scratch folder.
import { randomUUID } from "node:crypto";
import { open, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { type Pack, pack } from "tar-stream";
import type { AnyKubeObject, ResourceDescriptor } from "../../kube/kube-object.ts";
import { systemClock } from "../../platform/clock.ts";
import { scratchUnusable, TarballError } from "./tarball-error.ts";
import { formatVersion, pathsOfItem, versionPath } from "./tarball-paths.ts";

export interface TarballWriter {
  /**
   * Below its resource, and once more below the resource's version. Resolves when the bytes are on their way. Several may
   * be added at once.
   */
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
  const path = join(scratchDirectory, `contents-${randomUUID()}.tar.gz`);
  try {
    const file = await open(path, "wx", 0o600);
    const writer = new TarballFile(path, file.createWriteStream());
    await writer.begin();
    return writer;
  } catch (error) {
    throw TarballError.is(error) ? error : scratchUnusable(path, error);
  }
}

class TarballFile implements TarballWriter {
  readonly #path: string;
  readonly #tar: Pack = pack();
  readonly #ended: Promise<void>;

  constructor(path: string, file: Writable) {
    this.#path = path;
    this.#ended = pipeline(this.#tar, createGzip(), file);
    // Whoever adds or finishes hears of it.
    this.#ended.catch(() => undefined);
  }

  async begin(): Promise<void> {
    await this.#entry(versionPath, Buffer.from(`${formatVersion}\n`));
  }

  async add(resource: ResourceDescriptor<AnyKubeObject>, object: AnyKubeObject): Promise<void> {
    const bytes = Buffer.from(JSON.stringify(object));
    for (const path of pathsOfItem(resource, object)) await this.#entry(path, bytes);
  }

  async finish(): Promise<{ path: string; sizeBytes: number }> {
    try {
      this.#tar.finalize();
      await this.#ended;
      return { path: this.#path, sizeBytes: (await stat(this.#path)).size };
    } catch (error) {
      throw scratchUnusable(this.#path, error);
    }
  }

  async discard(): Promise<void> {
    this.#tar.destroy();
    await this.#ended.catch(() => undefined);
    await rm(this.#path, { force: true });
  }

  /** The tar puts entries that are added at once behind each other. */
  async #entry(name: string, bytes: Buffer): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const header = { name, size: bytes.length, mode: 0o755, mtime: new Date(systemClock.now()), type: "file" as const };
    try {
      const entry = this.#tar.entry(header, bytes, (error) => (error ? reject(error) : resolve()));
      // It fails with its tar, of which the callback tells; unheard, its own event would end the process.
      entry.on("error", () => undefined);
      await promise;
    } catch (error) {
      // The stream that failed first knows the reason; the tar only that it was ended.
      const cause = await this.#ended.then(
        () => error,
        (reason: unknown) => reason,
      );
      throw scratchUnusable(this.#path, cause);
    }
  }
}
