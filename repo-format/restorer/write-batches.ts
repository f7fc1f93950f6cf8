// Cuts the parts of a fetched range into tasks for the worker threads: small enough to spread over all threads and to keep
// few files open, large enough to be worth a message.
import { idBytes } from "../format/id.ts";
import { directFileBytes } from "../workers/direct-writes.ts";
import type { NewFiles } from "../workers/new-files.ts";
import { blobColumns, type WriteTask, writeColumns, writeWays } from "../workers/restore-task.ts";
import type { PackRange } from "./pack-ranges.ts";
import type { RestorePlan } from "./restore-plan.ts";

const maxBatchBytes: number = 4 * 1024 * 1024;
/** Open files, and directories in which new ones are made. */
const maxBatchDescriptors = 64;
const maxBatchParts = 2048;

/** Parts of one task in the order of the pack; parts of the same blob follow each other. */
export function* writeBatches(
  plan: RestorePlan,
  parts: Uint32Array,
  maxBytes: number = maxBatchBytes,
): Generator<Uint32Array, void> {
  const descriptors = new Set<number>();
  let start = 0;
  let bytes = 0;
  for (const [index, part] of parts.entries()) {
    const descriptor = descriptorOf(plan, plan.parts.file.get(part));
    const hasRoom = descriptors.size < maxBatchDescriptors || descriptors.has(descriptor);
    const isFull = bytes >= maxBytes || index - start >= maxBatchParts || !hasRoom;
    if (isFull) {
      yield parts.subarray(start, index);
      start = index;
      bytes = 0;
      descriptors.clear();
    }
    descriptors.add(descriptor);
    bytes += plan.parts.length.get(part);
  }
  if (start < parts.length) yield parts.subarray(start);
}

/** Files without any part, as many as make a task. */
export function* emptyBatches(plan: RestorePlan, files: Iterable<number>): Generator<number[], void> {
  const directories = new Set<number>();
  let batch: number[] = [];
  for (const file of files) {
    const directory = plan.files.directory.get(file);
    const hasRoom = directories.size < maxBatchDescriptors || directories.has(directory);
    if (batch.length >= maxBatchParts || !hasRoom) {
      yield batch;
      batch = [];
      directories.clear();
    }
    directories.add(directory);
    batch.push(file);
  }
  if (batch.length > 0) yield batch;
}

/** What has to be open for a file. */
function descriptorOf(plan: RestorePlan, file: number): number {
  return plan.isMadeAtOnce(file) ? -1 - plan.files.directory.get(file) : file;
}

/** Where a part goes. */
export interface PartTarget {
  readonly part: number;
  /** Of the file; negative: −1 − row of a new file. */
  readonly fd: number;
  readonly isSparse: boolean;
}

export interface WriteBatch {
  readonly task: WriteTask;
  readonly transfer: readonly ArrayBuffer[];
}

export interface FetchedTargets {
  readonly range: PackRange;
  /** The bytes of the range, or the descriptor of the pack's file. */
  readonly sealed: Buffer | number;
  /** The bytes are memory that goes with this task alone, and that comes back with its result. */
  readonly isOwn?: boolean;
  /** At least one, in the order of the pack. */
  readonly targets: readonly PartTarget[];
  readonly newFiles?: NewFiles | undefined;
}

/** Makes files that have no bytes. */
export function emptyFilesTask(targets: readonly PartTarget[], newFiles: NewFiles): WriteTask {
  const nothing = new Uint8Array();
  const writes = Float64Array.from(targets.flatMap(({ fd }) => [-1, fd, 0, 0]));
  return { kind: "write", sealed: nothing, blobs: new Uint32Array(), ids: nothing, writes, newFiles };
}

export function writeTask(plan: RestorePlan, fetched: FetchedTargets): WriteBatch {
  const { sealed, isOwn = false, targets, newFiles } = fetched;
  const { packOffset, length, uncompressedLength, fileOffset } = plan.parts;
  const starts = targets.filter(
    (target, index) => index === 0 || !isSameBlob(plan, targets[index - 1]?.part, target.part),
  );
  const blobs = new Uint32Array(starts.length * blobColumns);
  const ids = new Uint8Array(starts.length * idBytes);
  for (const [blob, { part }] of starts.entries()) {
    blobs.set([packOffset.get(part), length.get(part), uncompressedLength.get(part)], blob * blobColumns);
    ids.set(plan.parts.ids.array.subarray(part * idBytes, (part + 1) * idBytes), blob * idBytes);
  }
  const slab = slabOf(blobs, fetched);
  const writes = new Float64Array(targets.length * writeColumns);
  let blob = -1;
  for (const [write, target] of targets.entries()) {
    if (starts[blob + 1] === target) blob++;
    const { part, fd, isSparse } = target;
    writes.set([blob, fd, fileOffset.get(part), isSparse ? writeWays.sparse : wayOf(plan, part)], write * writeColumns);
  }
  const pack = typeof sealed === "number" ? { fd: sealed, end: endOf(blobs) } : undefined;
  const task = { kind: "write", sealed: slab, givesBack: isOwn, blobs, ids, writes } as const;
  return { task: { ...task, ...(pack && { pack }), ...(newFiles && { newFiles }) }, transfer: [slab.buffer] };
}

/** The blobs in memory that goes to the thread: what was received, or a copy of their part. Their offsets become those in it. */
function slabOf(blobs: Uint32Array, { range, sealed, isOwn = false }: FetchedTargets): Uint8Array<ArrayBuffer> {
  if (typeof sealed === "number") return new Uint8Array();
  if (!isOwn) return copiedSlab(blobs, sealed, range.offset);
  for (let row = 0; row < blobs.length; row += blobColumns) blobs[row] = (blobs[row] as number) - range.offset;
  return new Uint8Array(sealed.buffer as ArrayBuffer, sealed.byteOffset, sealed.length);
}

function copiedSlab(blobs: Uint32Array, sealed: Buffer, rangeOffset: number): Uint8Array<ArrayBuffer> {
  let bytes = 0;
  for (let row = 0; row < blobs.length; row += blobColumns) bytes += blobs[row + 1] as number;
  const slab = new Uint8Array(bytes);
  let at = 0;
  for (let row = 0; row < blobs.length; row += blobColumns) {
    const from = (blobs[row] as number) - rangeOffset;
    const length = blobs[row + 1] as number;
    slab.set(sealed.subarray(from, from + length), at);
    blobs[row] = at;
    at += length;
  }
  return slab;
}

function wayOf(plan: RestorePlan, part: number): number {
  return plan.files.sizeBytes.get(plan.parts.file.get(part)) < directFileBytes ? writeWays.plain : writeWays.direct;
}

function endOf(blobs: Uint32Array): number {
  const last = blobs.length - blobColumns;
  return (blobs[last] as number) + (blobs[last + 1] as number);
}

/** Blobs of one pack are told apart by their place. */
function isSameBlob(plan: RestorePlan, a: number | undefined, b: number): boolean {
  return a !== undefined && plan.parts.packOffset.get(a) === plan.parts.packOffset.get(b);
}
