// Keeps the cache of all repositories below its limit: counts what is there, and removes what was not used for longest.
// Several processes may do so at a time; each counts anew from the file system, and what another one removed is gone.
import { readdir, stat, statfs, unlink } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolders } from "./cache-directory.ts";

/** Without a limit of the user: this much of the space that is free, or would be without the cache. */
const shareOfFree = 0.1;
const defaultMaxBytes: number = 4 * 1024 ** 3;
/** After making room so much of the limit is used: to remove one file for each that comes would be a scan for each. */
const shareKept = 0.9;
/** Others write, too: counted anew when so much of the limit was written here. */
const shareBetweenCounts: number = 1 / 16;
/** A temporary file of this age has no writer any more. */
const abandonedAfterMs: number = 60 * 60 * 1000;

interface CachedFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly usedMs: number;
}

export interface CacheSpaceOptions {
  /** Of the caches of all repositories. */
  readonly directory: string;
  /** Default: a tenth of the free space of the file system, at most 4 GiB. */
  readonly maxBytes?: number | undefined;
  readonly clock: () => number;
}

export class CacheSpace {
  readonly #options: CacheSpaceOptions;
  #limitBytes: number | undefined;
  #usedBytes = 0;
  #writtenBytes = 0;
  #making: Promise<void> | undefined;

  constructor(options: CacheSpaceOptions) {
    this.#options = options;
  }

  /** @throws Node's error when the directory cannot be read */
  async limitBytes(): Promise<number> {
    if (this.#limitBytes === undefined) await this.#count();
    return this.#limitBytes ?? 0;
  }

  /** Something was added; makes room when that is due. */
  async added(bytes: number): Promise<void> {
    const limit = await this.limitBytes();
    this.#usedBytes += bytes;
    this.#writtenBytes += bytes;
    if (this.#usedBytes <= limit && this.#writtenBytes < limit * shareBetweenCounts) return;
    this.#making ??= this.#makeRoom().finally(() => {
      this.#making = undefined;
    });
    await this.#making;
  }

  async #makeRoom(): Promise<void> {
    const files = await this.#count();
    const limit = this.#limitBytes ?? 0;
    if (this.#usedBytes <= limit) return;
    files.sort((a, b) => a.usedMs - b.usedMs);
    for (const { path, sizeBytes } of files) {
      if (this.#usedBytes <= limit * shareKept) return;
      await unlink(path).catch(() => undefined); // gone already, or counted again the next time
      this.#usedBytes -= sizeBytes;
    }
  }

  async #count(): Promise<CachedFile[]> {
    const { directory, maxBytes, clock } = this.#options;
    const files = await this.#files(clock());
    this.#usedBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    this.#writtenBytes = 0;
    if (this.#limitBytes === undefined) {
      const { bavail, bsize } = await statfs(directory);
      this.#limitBytes = maxBytes ?? Math.min(defaultMaxBytes, (bavail * bsize + this.#usedBytes) * shareOfFree);
    }
    return files;
  }

  async #files(nowMs: number): Promise<CachedFile[]> {
    const files: CachedFile[] = [];
    for (const folder of await cacheFolders(this.#options.directory)) {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
      for (const entry of entries) {
        if (!entry.isFile()) continue;
        const path = join(entry.parentPath, entry.name);
        const stats = await stat(path).catch(() => undefined);
        if (stats === undefined) continue;
        const isAbandoned = entry.name.includes("-") && nowMs - stats.mtimeMs > abandonedAfterMs;
        if (isAbandoned) await unlink(path).catch(() => undefined);
        else files.push({ path, sizeBytes: stats.size, usedMs: stats.mtimeMs });
      }
    }
    return files;
  }
}
