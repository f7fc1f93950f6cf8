// All blobs of the repository and where they lie: the union of the index files that were read and of the packs that this
// process has stored. It remembers which file told of which pack, so that files that vanish take their entries along.
import type { BlobHandle, BlobType, PackedBlob } from "../format/blob.ts";
import { type BlobId, type IndexId, idBytes, type PackId } from "../format/id.ts";
import type { PackedBlobs } from "../format/packed-blobs.ts";
import { IdTable } from "./id-table.ts";
import type { IndexFileEntries } from "./index-file-entries.ts";
import { SharedBlobTable } from "./shared-blob-table.ts";
import type { IdWords, SharedTableSegment, TableEntry } from "./shared-table-segment.ts";

/** One place where a blob is stored. */
export interface BlobLocation {
  readonly packId: PackId;
  readonly offset: number;
  /** Sealed bytes. */
  readonly length: number;
  /** 0: stored uncompressed. */
  readonly uncompressedLength: number;
}

export interface IndexedPack {
  readonly id: PackId;
  /** In ascending order of offsets. */
  readonly blobs: readonly PackedBlob[];
}

/** Sources of a pack's entries that are not an index file. */
const removed = 0;
const pending = 1;
const firstFile = 2;

interface LoadedFile {
  readonly source: number;
  /** It shares packs with another file, and their entries are mixed: when one goes, all such files are read again. */
  overlaps: boolean;
}

export class BlobIndex {
  readonly table: SharedBlobTable;
  readonly #packs = new IdTable();
  /** By pack number: the source that gave its entries. */
  #sources = new Uint32Array(64);
  /** By pack number: where its last blob ends. */
  #ends = new Float64Array(64);
  readonly #files = new Map<IndexId, LoadedFile>();
  readonly #bySource = new Map<number, LoadedFile>();
  #nextSource = firstFile;
  /** Sources whose entries go at the next `removeStale`. */
  readonly #stale = new Set<number>();
  readonly #key: IdWords = new Uint32Array(idBytes / 4);
  readonly #keyBytes: Buffer = Buffer.from(this.#key.buffer);

  constructor(table: SharedBlobTable = new SharedBlobTable()) {
    this.table = table;
  }

  /** Entries; a blob stored twice counts twice. */
  get blobCount(): number {
    return this.table.liveCount;
  }

  /** Ids of the index files whose content is here. */
  get fileIds(): ReadonlySet<IndexId> {
    return new Set(this.#files.keys());
  }

  has(type: BlobType, id: BlobId): boolean {
    return this.table.has(this.#keyOf(id), type === "tree");
  }

  /** @returns every place where the blob is stored, the oldest known first; empty when it is unknown. */
  lookup(handle: BlobHandle): BlobLocation[] {
    const locations: BlobLocation[] = [];
    for (const entry of this.table.findAll(this.#keyOf(handle.id), handle.type === "tree")) {
      const { offset, length, uncompressedLength } = entry;
      const packId = this.#packIdOf(entry.packNumber);
      const isListed = locations.some((other) => other.packId === packId && other.offset === offset);
      if (!isListed) locations.push({ packId, offset, length, uncompressedLength });
    }
    return locations;
  }

  /**
   * A number for this blob, below `table.count`, for bit sets; the same for all its copies; -1 when unknown.
   * Valid as long as `table.epoch` does not change.
   */
  positionOf(type: BlobType, id: BlobId): number {
    return this.table.positionOf(this.#keyOf(id), type === "tree");
  }

  /** The blob that `positionOf` gave this number. */
  blobAt(position: number): PackedBlob {
    const { segment, index } = this.table.locate(position);
    return packedBlob(segment, index);
  }

  /** Every entry: a blob that is stored twice comes twice. The index must not change meanwhile. */
  *blobs(): Generator<PackedBlob> {
    for (let position = 0; position < this.table.count; position++) {
      const { segment, index } = this.table.locate(position);
      if (!segment.isRemoved(index)) yield packedBlob(segment, index);
    }
  }

  hasPack(id: PackId): boolean {
    const number = this.#packs.find(this.#keyOf(id));
    return number >= 0 && this.#sources[number] !== removed;
  }

  /** Numbers of packs are below this; `SharedTableSegment.packNumberAt` tells the pack of an entry. */
  get packNumberLimit(): number {
    return this.#packs.count;
  }

  packIdAt(packNumber: number): PackId {
    return this.#packIdOf(packNumber);
  }

  /** The number under which entries of this pack stand, or -1. */
  packNumberOf(id: PackId): number {
    const number = this.#packs.find(this.#keyOf(id));
    return number >= 0 && this.#sources[number] !== removed ? number : -1;
  }

  /** Where the pack's last blob ends, as far as is known; 0 for a pack that is not. */
  endOfPack(id: PackId): number {
    const number = this.packNumberOf(id);
    return number < 0 ? 0 : (this.#ends[number] ?? 0);
  }

  /**
   * Every pack, or those that `isWanted` names, with its blobs. Takes 8 bytes a blob while it runs; meanwhile the
   * index may grow, by packs that `isWanted` refuses, but must not lose anything.
   */
  *packs(isWanted: (id: PackId) => boolean = () => true): Generator<IndexedPack> {
    const { order, ends } = this.#entriesByPack();
    let from = 0;
    for (let number = 0; number < this.#packs.count; number++) {
      const to = ends[number] ?? from;
      if (this.#isListed(number) && isWanted(this.#packIdOf(number))) {
        const blobs: PackedBlob[] = [];
        for (let place = from; place < to; place++) blobs.push(this.blobAt(order[place] ?? 0));
        blobs.sort((a, b) => a.offset - b.offset);
        yield { id: this.#packIdOf(number), blobs };
      }
      from = to;
    }
  }

  /** Adds a pack that this process stored; its entries are pending until `markSaved`. */
  add(packId: PackId, blobs: PackedBlobs): void {
    const known = this.#packs.find(this.#keyOf(packId));
    if (known >= 0 && this.#sources[known] !== removed) return;
    const packNumber = this.#addPack(this.#keyOf(packId), pending);
    for (const blob of blobs) {
      const { offset, length, uncompressedLength } = blob;
      const isTree = blob.type === "tree";
      this.table.insert(this.#keyOf(blob.id), { packNumber, isTree, offset, length, uncompressedLength });
      this.#noteEnd(packNumber, offset + length);
    }
  }

  /** The packs' entries were saved as this index file. */
  markSaved(packIds: Iterable<PackId>, fileId: IndexId): void {
    const { source } = this.#addSource(fileId);
    for (const packId of packIds) {
      const number = this.#packs.find(this.#keyOf(packId));
      if (number >= 0 && this.#sources[number] === pending) this.#sources[number] = source;
    }
  }

  /** Forgets packs that no index file tells of: nobody else can find them, so nothing may refer to them. */
  removePending(): void {
    this.#stale.add(pending);
    this.removeStale();
  }

  /**
   * First step of a refresh: compares with the index files that exist.
   * @param before `fileIds` of before they were listed: a file of our own that was saved since is not gone.
   * @returns the files to read and pass to `addFile`; after that `removeStale` completes the refresh.
   */
  planRefresh(existing: Iterable<IndexId>, before: ReadonlySet<IndexId> = this.fileIds): IndexId[] {
    const listed = new Set(existing);
    const isGone = (id: IndexId): boolean => before.has(id) && !listed.has(id);
    if ([...this.#files.keys()].some(isGone)) {
      for (const [id, file] of this.#files) if (isGone(id) || file.overlaps) this.#markStale(id, file);
    }
    return [...listed].filter((id) => !this.#files.has(id));
  }

  addFile(id: IndexId, entries: IndexFileEntries): void {
    if (this.#files.has(id)) return;
    const file = this.#addSource(id);
    for (const [place, pack] of entries.packs.entries()) {
      const known = this.#packs.find(pack.id);
      const source = known < 0 ? removed : (this.#sources[known] ?? removed);
      const isNew = source === removed || this.#stale.has(source);
      const packNumber = isNew ? this.#addPack(pack.id, file.source) : known;
      if (!isNew && source !== file.source) this.#markOverlap(file, this.#bySource.get(source));
      for (let index = pack.firstEntry; index < entries.endOfPack(place); index++) {
        const entry = { ...entries.entryAt(index), packNumber };
        if (isNew || !this.#isKnown(entry.id, entry)) this.table.insert(entry.id, entry);
        this.#noteEnd(packNumber, entry.offset + entry.length);
      }
    }
  }

  /** Last step of a refresh: drops what only vanished files told of. Cheap when there is nothing to drop. */
  removeStale(): void {
    if (this.#stale.size === 0) return;
    for (let number = 0; number < this.#packs.count; number++) {
      if (this.#stale.has(this.#sources[number] ?? removed)) this.#sources[number] = removed;
    }
    this.#stale.clear();
    this.table.removePacks((packNumber) => this.#sources[packNumber] === removed);
  }

  #markStale(id: IndexId, file: LoadedFile): void {
    this.#stale.add(file.source);
    this.#files.delete(id);
    this.#bySource.delete(file.source);
  }

  #addSource(id: IndexId): LoadedFile {
    const file: LoadedFile = { source: this.#nextSource++, overlaps: false };
    this.#files.set(id, file);
    this.#bySource.set(file.source, file);
    return file;
  }

  #markOverlap(file: LoadedFile, other: LoadedFile | undefined): void {
    file.overlaps = true;
    if (other !== undefined) other.overlaps = true;
  }

  #addPack(id: IdWords, source: number): number {
    const number = this.#packs.add(id);
    if (number >= this.#sources.length) {
      const larger = new Uint32Array(this.#sources.length * 2);
      larger.set(this.#sources);
      this.#sources = larger;
      const moreEnds = new Float64Array(larger.length);
      moreEnds.set(this.#ends);
      this.#ends = moreEnds;
    }
    this.#sources[number] = source;
    return number;
  }

  #noteEnd(packNumber: number, end: number): void {
    if (end > (this.#ends[packNumber] ?? 0)) this.#ends[packNumber] = end;
  }

  #isKnown(id: IdWords, entry: TableEntry): boolean {
    return this.table
      .findAll(id, entry.isTree)
      .some((other) => other.packNumber === entry.packNumber && other.offset === entry.offset);
  }

  /** False for removed packs, and for older numbers of packs that were told of anew. */
  #isListed(number: number): boolean {
    return this.#sources[number] !== removed && this.#packs.find(this.#packs.idAt(number)) === number;
  }

  /** Counting sort: positions in the order of their packs, and where each pack's run ends. */
  #entriesByPack(): { order: Uint32Array; ends: Uint32Array } {
    const ends = new Uint32Array(this.#packs.count + 1);
    this.table.forEach((_, segment, index) => {
      const next = segment.packNumberAt(index) + 1;
      ends[next] = (ends[next] ?? 0) + 1;
    });
    for (let number = 1; number < ends.length; number++) ends[number] = (ends[number] ?? 0) + (ends[number - 1] ?? 0);
    const order = new Uint32Array(this.table.count);
    this.table.forEach((position, segment, index) => {
      const number = segment.packNumberAt(index);
      const place = ends[number] ?? 0;
      ends[number] = place + 1;
      order[place] = position;
    });
    return { order, ends };
  }

  #packIdOf(number: number): PackId {
    return hexOf(this.#packs.idAt(number)) as PackId;
  }

  /** The shared key buffer filled with this id: valid until the next call. */
  #keyOf(id: BlobId | PackId): IdWords {
    this.#keyBytes.write(id, "hex");
    return this.#key;
  }
}

function packedBlob(segment: SharedTableSegment, index: number): PackedBlob {
  const { isTree, offset, length, uncompressedLength } = segment.entryAt(index);
  const id = hexOf(segment.idAt(index)) as BlobId;
  return { type: isTree ? "tree" : "data", id, offset, length, uncompressedLength };
}

function hexOf(words: IdWords): string {
  return Buffer.from(words.buffer as ArrayBuffer, words.byteOffset, idBytes).toString("hex");
}
