// An open repository: what everything above reads and writes through. Locks, keys, uploads and tree walks are functions
// beside it (lock.ts, keys.ts, blob-uploader.ts, walk-trees.ts) that take it as their first argument.
import { drawPolynomial } from "../chunker/gf2-polynomial.ts";
import { type Compressor, createCompressor, decompressUnknown, unpacksTo } from "../compression/zstd.ts";
import { generateMasterKey } from "../crypto/master-key.ts";
import { Sealer } from "../crypto/seal.ts";
import { selfTestOnce } from "../crypto/self-test.ts";
import { RepositoryError, throwIfCancelled } from "../errors.ts";
import type { BlobHandle } from "../format/blob.ts";
import { decodeConfig, encodeConfig, type RepositoryConfig } from "../format/config-file.ts";
import type { BlobId, Id, KeyId, PackId, SnapshotId } from "../format/id.ts";
import type { MasterKey, ScryptParameters } from "../format/key-file.ts";
import type { Snapshot } from "../format/snapshot-file.ts";
import { BlobIndex, type BlobLocation } from "../index/blob-index.ts";
import { configKey, type FileKind, keyOf } from "../storage/key-layout.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import { type StorageTraffic, trafficOf } from "../storage/storage-meter.ts";
import { BlobLoader, type LoadBlobsOptions, type LoadedBlob } from "./blob-loader.ts";
import { IndexRefresh, type OnIndexFile } from "./index-refresh.ts";
import { listKeyIds, type OpenedKey, searchKey, writeKey } from "./key-search.ts";
import type { RangeLimits } from "./plan-ranges.ts";
import { type RepositoryOptions, type RepositorySettings, settleOptions } from "./repository-options.ts";
import { SnapshotFiles, type StoredSnapshot } from "./snapshot-files.ts";
import { TreeCache } from "./tree-cache.ts";
import { hasAny, type ListedFile, listFiles, readConfig, UnpackedFiles, type UnpackedKind } from "./unpacked-files.ts";
import { GatedStorage, WriteGate } from "./write-gate.ts";

export type { StorageTraffic };

/** Trees are small and lie close together when they were stored together. */
const treeRangeLimits: RangeLimits = { maxGapBytes: 256 * 1024, maxRangeBytes: 8 * 1024 * 1024 };

/** Only repositories of the layout before restic 0.7 ("s3legacy") have keys here. */
const legacyKeyPrefix = "key/";

/** What a repository is created with. */
export interface InitOptions extends RepositoryOptions {
  /** Default 2. */
  readonly version?: 1 | 2 | undefined;
  /** Of another repository, so that restic cuts files alike in both; default: a new one. Hex, as in the config. */
  readonly chunkerPolynomial?: string | undefined;
  /** Default: measured so that one password try costs about half a second. */
  readonly kdf?: ScryptParameters | undefined;
}

interface OpenedRepository {
  readonly storage: ObjectStorage;
  readonly settings: RepositorySettings;
  readonly config: RepositoryConfig;
  readonly key: OpenedKey;
  /** Whether there was no lock when the opening began. */
  readonly isFree?: Promise<boolean> | undefined;
}

/** An open repository, of `openRepository` or `initRepository`. */
export class Repository {
  readonly id: string;
  readonly version: 1 | 2;
  readonly config: RepositoryConfig;
  /** The key that the password opened. */
  readonly keyId: KeyId;
  readonly masterKey: MasterKey;
  /** Writes wait or fail here while a lock is in doubt. */
  readonly storage: ObjectStorage;
  readonly index: BlobIndex;
  readonly options: RepositorySettings;
  readonly sealer: Sealer;
  /** Never "off": trees are always compressed in version 2. */
  readonly compressor: Compressor;
  /** For lock.ts. */
  readonly writeGate: WriteGate;
  readonly #files: UnpackedFiles;
  readonly #snapshots: SnapshotFiles;
  readonly #loader: BlobLoader;
  readonly #refresh: IndexRefresh;
  readonly #trees = new TreeCache();
  #isFree: Promise<boolean> | undefined;

  constructor({ storage, settings, config, key, isFree }: OpenedRepository) {
    this.#isFree = isFree;
    this.id = config.id;
    this.version = config.version;
    this.config = config;
    this.keyId = key.keyId;
    this.masterKey = key.masterKey;
    this.options = settings;
    this.writeGate = new WriteGate();
    this.storage = new GatedStorage(storage, this.writeGate, config);
    this.sealer = new Sealer(key.masterKey);
    this.compressor = createCompressor(settings.compression === "off" ? "auto" : settings.compression);
    this.index = new BlobIndex();
    this.#files = new UnpackedFiles({
      storage: this.storage,
      sealer: this.sealer,
      version: config.version,
      compress: (plain) => this.compressor.compressOver(plain),
      decompress: decompressUnknown,
      unpacksTo,
      extraVerify: settings.extraVerify,
    });
    this.#snapshots = new SnapshotFiles(this.storage, this.#files);
    this.#loader = new BlobLoader({ storage: this.storage, sealer: this.sealer, index: this.index });
    this.#refresh = new IndexRefresh({ storage: this.storage, files: this.#files, index: this.index });
  }

  /**
   * Reads the index files that are new and drops those that are gone; one listing when nothing changed. List the
   * snapshots that you will read before this, and take the lock before both.
   * @param onFile is shown each file that is read; what it throws ends the refresh.
   * @throws RepositoryError "index-malformed", "file-damaged" with the file's id
   */
  refreshIndex(signal?: AbortSignal, onFile?: OnIndexFile): Promise<void> {
    return this.#refresh.run(signal, onFile);
  }

  /** Every stored file of the kind; objects with other names do not count. */
  list(kind: FileKind, signal?: AbortSignal): AsyncGenerator<ListedFile> {
    return listFiles(this.storage, kind, signal);
  }

  /** The file's JSON. @throws RepositoryError "file-damaged" after a second try, "object-missing" */
  loadUnpacked(kind: UnpackedKind, id: Id, signal?: AbortSignal): Promise<Buffer> {
    return this.#files.load(kind, id, signal);
  }

  /** Stores JSON as a new file; its id is the hash of what is stored, a new one each time. */
  saveUnpacked(kind: UnpackedKind, json: Buffer, signal?: AbortSignal): Promise<Id> {
    return this.#files.save(kind, json, signal);
  }

  /** An absent file is success. */
  remove(kind: FileKind, id: Id, signal?: AbortSignal): Promise<void> {
    return this.storage.delete(keyOf(kind, id), { signal });
  }

  /** @throws RepositoryError "snapshot-missing", "snapshot-malformed", "file-damaged" */
  loadSnapshot(id: SnapshotId, signal?: AbortSignal): Promise<Snapshot> {
    return this.#snapshots.load(id, signal);
  }

  saveSnapshot(snapshot: Snapshot, signal?: AbortSignal): Promise<SnapshotId> {
    return this.#snapshots.save(snapshot, signal);
  }

  /** All snapshots, in no particular order; those deleted meanwhile are left out, those read before not fetched again. */
  snapshots(signal?: AbortSignal): AsyncGenerator<StoredSnapshot> {
    return this.#snapshots.all(signal);
  }

  /** The blob's plaintext, verified; every stored copy is tried. @throws "blob-missing", "blob-damaged", "pack-missing" */
  loadBlob(handle: BlobHandle, signal?: AbortSignal): Promise<Buffer> {
    return this.#loader.loadBlob(handle, signal);
  }

  /** The tree's bytes as stored, from memory when it was read lately; must not be changed. */
  async loadTree(id: BlobId, signal?: AbortSignal): Promise<Buffer> {
    throwIfCancelled(signal);
    const cached = this.#trees.get(id);
    if (cached !== undefined) return cached;
    const options = { parallel: 1, limits: treeRangeLimits, signal };
    for await (const { plaintext, error } of this.#loader.loadBlobs([{ type: "tree", id }], options)) {
      if (plaintext === undefined) throw error;
      this.#trees.put(id, plaintext);
      return plaintext;
    }
    throw new Error(`bug: nothing came of the tree ${id}`);
  }

  /** Reads these trees with few requests, so that `loadTree` finds them in memory; what cannot be read is left to it. */
  async prefetchTrees(ids: Iterable<BlobId>, signal?: AbortSignal): Promise<void> {
    const wanted = new Set<BlobId>();
    for (const id of ids) if (!this.#trees.has(id)) wanted.add(id);
    const handles = [...wanted].map((id): BlobHandle => ({ type: "tree", id }));
    const options = { parallel: this.storage.connections, limits: treeRangeLimits, signal };
    for await (const { handle, plaintext } of this.#loader.loadBlobs(handles, options)) {
      if (plaintext !== undefined) this.#trees.put(handle.id, plaintext);
    }
  }

  /** Many blobs with few requests; each arrives verified or with its error, in no particular order. */
  loadBlobs(handles: Iterable<BlobHandle>, options: LoadBlobsOptions): AsyncGenerator<LoadedBlob> {
    return this.#loader.loadBlobs(handles, options);
  }

  /** Bytes of a pack as stored, still sealed. @throws "pack-missing", "pack-damaged" */
  readPackRange(packId: PackId, offset: number, length: number, signal?: AbortSignal): Promise<Buffer> {
    return this.#loader.readPackRange({ packId, offset, length }, { signal });
  }

  /** The same in memory of the caller, as GetRangeOptions.into says: what comes back may lie there or elsewhere. */
  receivePackRange(
    place: Pick<BlobLocation, "packId" | "offset" | "length">,
    into: Uint8Array<ArrayBuffer>,
    signal?: AbortSignal,
  ): Promise<Buffer> {
    return this.#loader.readPackRange(place, { signal, into });
  }

  /** What was asked of the store since `earlier`, or since it was opened; undefined where nobody counts. */
  traffic(earlier?: StorageTraffic): StorageTraffic | undefined {
    const { meter } = this.storage;
    return meter === undefined ? undefined : trafficOf(meter, earlier);
  }

  /**
   * A descriptor of the pack's file where the store is a directory of this machine; whoever asks closes it.
   * @param lengthBytes that are going to be read. @returns undefined: `readPackRange` is the way, or says what is wrong.
   */
  openPackFile(packId: PackId, lengthBytes: number): number | undefined {
    return this.storage.openFile?.(keyOf("pack", packId), lengthBytes);
  }

  /** For lock.ts: whether there was no lock when the opening began; answered once, and only if that was asked for. */
  async wasFree(): Promise<boolean> {
    const isFree = this.#isFree;
    this.#isFree = undefined;
    return (await isFree) ?? false;
  }

  /** Lets go of the store's connections. */
  close(): Promise<void> {
    return this.storage.close();
  }
}

/**
 * Opens a repository; the index is not read yet (`refreshIndex`).
 * @throws RepositoryError "repository-missing", "wrong-password", "key-malformed", "config-malformed",
 *   "repository-unsupported", "self-test-failed" and the errors of the store
 */
export async function openRepository(options: RepositoryOptions): Promise<Repository> {
  const { storage, signal } = options;
  selfTestOnce();
  settleOptions(options);
  // Side by side: with a store far away each request takes as long as a tenth of the key derivation.
  const keyIds = listKeyIds(storage, signal);
  // Looked at below; a config that cannot be read is the better explanation.
  keyIds.catch(() => undefined);
  const isFree = options.locksNext === true ? isUnlocked(storage, signal) : undefined;
  const sealedConfig = await readConfig(storage, signal).catch((error: unknown) => explainMissing(error, options));
  const key = await searchKey({ ...options, keyIds, fits: (masterKey) => opensConfig(masterKey, sealedConfig) });
  const config = decodeConfig(new Sealer(key.masterKey).open(sealedConfig));
  return new Repository({ storage, settings: settleOptions(options, config.compressionLevel), config, key, isFree });
}

/** Never fails: who takes a lock looks again then. */
async function isUnlocked(storage: ObjectStorage, signal: AbortSignal | undefined): Promise<boolean> {
  return !(await hasAny(storage, "lock", signal).catch(() => true));
}

/**
 * Creates a repository. Of several processes that do so at once one wins and the others open what it made.
 * @throws RepositoryError "repository-exists" when there was one before, or keys or snapshots without a config
 */
export async function initRepository(options: InitOptions): Promise<Repository> {
  const { storage, signal, version = 2 } = options;
  selfTestOnce();
  const settings = settleOptions(options);
  await storage.prepare({ signal });
  const key = await claimEmptyStore(options, settings);
  const id = settings.random(32).toString("hex");
  const chunkerPolynomial = options.chunkerPolynomial ?? drawPolynomial(settings.random);
  const config: RepositoryConfig = { version, id, chunkerPolynomial };
  try {
    const sealed = new Sealer(key.masterKey).seal(encodeConfig(config));
    await storage.put(configKey, sealed, { ifAbsent: true, signal });
  } catch (error) {
    if (!RepositoryError.is(error, "object-exists")) throw error;
    return joinWinner(options, key);
  }
  return new Repository({ storage, settings, config, key });
}

/** A key for the new repository: our own, or the one that another initialisation with our password has left. */
async function claimEmptyStore(options: InitOptions, settings: RepositorySettings): Promise<OpenedKey> {
  const { storage, password, signal } = options;
  if (await hasConfig(options)) {
    throw new RepositoryError("repository-exists", `there is a repository at ${storage.location} already`);
  }
  if (await hasAny(storage, "snapshot", signal)) {
    const message = `${storage.location} holds snapshots but no config: a repository was here that lost its config`;
    throw new RepositoryError("repository-exists", message);
  }
  if (await hasAny(storage, "key", signal)) return adoptKey(options);
  const masterKey = generateMasterKey(settings.random);
  return { masterKey, keyId: await writeKey(storage, settings, { masterKey, password, kdf: options.kdf }) };
}

/**
 * Keys without a config: another process is between its two writes, or died there. With our password on the key the
 * repository can be completed by anybody; otherwise it is not ours to touch.
 */
async function adoptKey(options: InitOptions): Promise<OpenedKey> {
  try {
    return await searchKey(options);
  } catch (error) {
    if (!RepositoryError.is(error, "wrong-password") && !RepositoryError.is(error, "key-malformed")) throw error;
    const message = `${options.storage.location} holds keys of a repository with another password, but no config`;
    throw new RepositoryError("repository-exists", message, { cause: error });
  }
}

/** Another process stored its config first. Our key goes, unless the config was made with it. */
async function joinWinner(options: InitOptions, ours: OpenedKey): Promise<Repository> {
  const { storage, signal } = options;
  const sealedConfig = await readConfig(storage, signal);
  if (!opensConfig(ours.masterKey, sealedConfig)) await storage.delete(keyOf("key", ours.keyId), { signal });
  return openRepository(options);
}

async function hasConfig({ storage, signal }: RepositoryOptions): Promise<boolean> {
  try {
    await storage.stat(configKey, { signal });
    return true;
  } catch (error) {
    if (RepositoryError.is(error, "object-missing")) return false;
    throw error;
  }
}

function opensConfig(masterKey: MasterKey, sealed: Buffer): boolean {
  try {
    new Sealer(masterKey).open(sealed);
    return true;
  } catch (error) {
    if (RepositoryError.is(error, "authentication-failed")) return false;
    throw error;
  }
}

/** Repositories of before restic 0.7 look empty to us: say what they are. */
async function explainMissing(error: unknown, { storage, signal }: RepositoryOptions): Promise<never> {
  if (RepositoryError.is(error, "repository-missing")) {
    for await (const _ of storage.list(legacyKeyPrefix, { signal })) {
      const message = `the repository at ${storage.location} has the old "s3legacy" layout; restic 0.17 can migrate it`;
      throw new RepositoryError("repository-unsupported", message);
    }
  }
  throw error;
}
