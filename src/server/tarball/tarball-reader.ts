// Reads the tarball of a Backup (velero-contract §7.5) for a restore: unpacked once into a spool file, with an index in
// memory, so that objects can be read in any order with little memory. It comes from a bucket: sizes, paths and contents are
// checked, and nothing of it ever becomes a path of this machine.
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";
import type { KubeObject } from "../../api/kube-object.ts";
import { splitKey } from "../../kube/kube-object.ts";
import { messageOf } from "../../platform/coded-error.ts";
import { checkedObject } from "./checked-object.ts";
import { SpoolFile } from "./spool-file.ts";
import { TarballError } from "./tarball-error.ts";
import { type ItemPath, parseItemPath, versionPath } from "./tarball-paths.ts";

export interface ItemAddress {
  /** Absent for cluster-scoped objects. */
  readonly namespace?: string | undefined;
  readonly name: string;
}

export interface TarballContents {
  /** "pods", "deployments.apps": every kind of which there is at least one object. */
  readonly groupResources: readonly string[];
  /** Objects in all. */
  readonly count: number;
  /** In the tarball's order; empty for a kind that is not there. */
  addresses(groupResource: string): readonly ItemAddress[];
  /** @throws TarballError "item-unreadable" when it is absent, no JSON, or not the object that its path says. */
  read(groupResource: string, address: ItemAddress): Promise<KubeObject>;
  /** Removes the spool file. */
  close(): Promise<void>;
}

export interface TarballLimits {
  /** Unpacked, everything together. */
  readonly bytes: number;
  readonly itemBytes: number;
  readonly items: number;
}

export interface OpenTarballOptions {
  /** The `.tar.gz` as stored; destroyed on failure. */
  readonly source: Readable;
  /** The spool file is made in this folder, which must exist. */
  readonly scratchDirectory: string;
  readonly signal: AbortSignal;
  readonly limits?: Partial<TarballLimits>;
}

/** Far above what a cluster can hold: etcd keeps 8 GiB at most, and an object of 1.5 MiB. */
const defaultLimits: TarballLimits = { bytes: 64 * 1024 ** 3, itemBytes: 32 * 1024 ** 2, items: 4_000_000 };

/** @throws TarballError for what is wrong with the tarball; what the source throws is passed on as it is. */
export async function openTarball(options: OpenTarballOptions): Promise<TarballContents> {
  const { source, scratchDirectory, signal } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const contents = new SpooledContents(await SpoolFile.create(scratchDirectory), limits);
  try {
    await unpack(contents, { source, signal, limits });
    contents.checkWhole();
    return contents;
  } catch (error) {
    source.destroy();
    await contents.close();
    throw error;
  }
}

interface UnpackOptions {
  readonly source: Readable;
  readonly signal: AbortSignal;
  readonly limits: TarballLimits;
}

async function unpack(contents: SpooledContents, { source, signal, limits }: UnpackOptions): Promise<void> {
  const gunzip = createGunzip();
  const tar = extract();
  let taken: Promise<void> = Promise.resolve();
  tar.on("entry", (header, stream, next) => {
    // An entry that nobody reads any more fails with its tar.
    stream.on("error", () => undefined);
    taken = takeEntry(contents, header.name, { size: header.size ?? 0, isFile: header.type === "file", stream });
    taken.then(() => next(), next);
  });
  // A failure reaches all of them: whose it was says the first to tell of it.
  let failed: "source" | "tarball" | undefined;
  source.once("error", () => (failed ??= "source"));
  for (const stage of [gunzip, tar]) stage.once("error", () => (failed ??= "tarball"));
  try {
    await pipeline(source, gunzip, bounded(limits.bytes), tar, { signal });
    // The last entry may still be on its way into the spool file when the stream has ended.
    await taken;
  } catch (error) {
    await taken.catch(() => undefined);
    signal.throwIfAborted();
    if (TarballError.is(error) || failed === "source") throw error;
    throw new TarballError("tarball-damaged", `the tarball cannot be unpacked: ${messageOf(error)}`, { cause: error });
  }
}

/** A small file can unpack to endlessly much. */
function bounded(maxBytes: number): (chunks: AsyncIterable<Buffer>) => AsyncGenerator<Buffer> {
  return async function* count(chunks) {
    let bytes = 0;
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw tooLarge(`more than ${maxBytes} bytes`);
      yield chunk;
    }
  };
}

interface TarEntry {
  readonly size: number;
  readonly isFile: boolean;
  readonly stream: AsyncIterable<unknown>;
}

async function takeEntry(contents: SpooledContents, path: string, { size, isFile, stream }: TarEntry): Promise<void> {
  const item = isFile ? itemOf(path) : undefined;
  const isWanted = item !== undefined || path === versionPath;
  if (isWanted) contents.checkSize(path, size);
  const chunks: Buffer[] = [];
  for await (const chunk of stream) if (isWanted) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  if (path === versionPath) contents.checkVersion(bytes.toString("utf8"));
  else if (item !== undefined) await contents.add(item, bytes);
}

function itemOf(path: string): ItemPath | undefined {
  try {
    return parseItemPath(path);
  } catch (error) {
    const shown = JSON.stringify(path.slice(0, 200));
    throw new TarballError("path-unsafe", `the tarball has the path ${shown}: ${messageOf(error)}`);
  }
}

interface Place {
  readonly offset: number;
  readonly length: number;
}

class SpooledContents implements TarballContents {
  readonly #spool: SpoolFile;
  readonly #limits: TarballLimits;
  readonly #places = new Map<string, Map<string, Place>>();
  #hasVersion = false;
  #count = 0;

  constructor(spool: SpoolFile, limits: TarballLimits) {
    this.#spool = spool;
    this.#limits = limits;
  }

  get groupResources(): readonly string[] {
    return [...this.#places.keys()];
  }

  get count(): number {
    return this.#count;
  }

  addresses(groupResource: string): readonly ItemAddress[] {
    const keys = [...(this.#places.get(groupResource)?.keys() ?? [])];
    return keys.map((key) => {
      const { namespace, name } = splitKey(key);
      return namespace === "" ? { name } : { namespace, name };
    });
  }

  async read(groupResource: string, { namespace = "", name }: ItemAddress): Promise<KubeObject> {
    const key = namespace === "" ? name : `${namespace}/${name}`;
    const place = this.#places.get(groupResource)?.get(key);
    if (place === undefined) throw new TarballError("item-unreadable", `${groupResource} ${key} is not in the tarball`);
    const bytes = await this.#spool.read(place.offset, place.length);
    return checkedObject(bytes.toString("utf8"), { groupResource, key });
  }

  async close(): Promise<void> {
    await this.#spool.close();
  }

  checkSize(path: string, size: number): void {
    const { itemBytes } = this.#limits;
    if (size > itemBytes) throw tooLarge(`${path.slice(0, 200)} has ${size} bytes, more than ${itemBytes}`);
  }

  checkVersion(text: string): void {
    const version = text.trim();
    if (!/^1(\.|$)/.test(version)) {
      const shown = JSON.stringify(version.slice(0, 40));
      throw new TarballError("version-unknown", `the tarball has the format version ${shown}; this server reads 1.x`);
    }
    this.#hasVersion = true;
  }

  /** The later one wins, as whenever a tar has a path twice. */
  async add({ groupResource, key }: ItemPath, bytes: Buffer): Promise<void> {
    const kind = this.#places.get(groupResource) ?? new Map<string, Place>();
    this.#places.set(groupResource, kind);
    if (!kind.has(key)) this.#count++;
    if (this.#count > this.#limits.items) throw tooLarge(`more than ${this.#limits.items} objects`);
    kind.set(key, { offset: await this.#spool.append(bytes), length: bytes.length });
  }

  /** Some old backups say no version; a tar with neither is something else. */
  checkWhole(): void {
    if (this.#hasVersion || this.#count > 0) return;
    throw new TarballError("tarball-damaged", `the tarball has neither objects nor ${versionPath}`);
  }
}

function tooLarge(what: string): TarballError {
  return new TarballError("tarball-too-large", `the tarball unpacks to too much: ${what}`);
}
