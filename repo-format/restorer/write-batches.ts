// Cuts the parts of a fetched range into tasks for the worker threads: small enough to spread over all threads and to keep
// few files open, large enough to be worth a message.
import { idBytes } from "../format/id.ts";
import { blobColumns, type WriteTask, writeColumns } from "../workers/restore-task.ts";
import type { PackRange } from "./pack-ranges.ts";
import type { RestorePlan } from "./restore-plan.ts";

const maxBatchBytes: number = 4 * 1024 * 1024;
const maxBatchFiles = 64;
const maxBatchParts = 2048;

/** Parts of one task in the order of the pack; parts of the same blob follow each other. */
export function* writeBatches(plan: RestorePlan, parts: Uint32Array): Generator<Uint32Array, void> {
  const files = new Set<number>();
  let start = 0;
  let bytes = 0;
  for (const [index, part] of parts.entries()) {
    const file = plan.parts.file.get(part);
    const isFull =
      bytes >= maxBatchBytes || index - start >= maxBatchParts || (files.size >= maxBatchFiles && !files.has(file));
    if (isFull) {
      yield parts.subarray(start, index);
      start = index;
      bytes = 0;
      files.clear();
    }
    files.add(file);
    bytes += plan.parts.length.get(part);
  }
  if (start < parts.length) yield parts.subarray(start);
}

/** Where a part goes: the file is open. */
export interface PartTarget {
  readonly part: number;
  readonly fd: number;
  readonly isSparse: boolean;
}

export interface WriteBatch {
  readonly task: WriteTask;
  readonly transfer: readonly ArrayBuffer[];
}

export interface FetchedTargets {
  readonly range: PackRange;
  /** The bytes of the range. */
  readonly sealed: Buffer;
  /** At least one, in the order of the pack. */
  readonly targets: readonly PartTarget[];
}

export function writeTask(plan: RestorePlan, { range, sealed, targets }: FetchedTargets): WriteBatch {
  const { packOffset, length, uncompressedLength, fileOffset, ids } = plan.parts;
  const starts = targets.filter(
    (target, index) => index === 0 || !isSameBlob(plan, targets[index - 1]?.part, target.part),
  );
  const blobs = new Uint32Array(starts.length * blobColumns);
  const idColumn = new Uint8Array(starts.length * idBytes);
  const slab = new Uint8Array(starts.reduce((sum, { part }) => sum + length.get(part), 0));
  let slabOffset = 0;
  for (const [blob, { part }] of starts.entries()) {
    const from = packOffset.get(part) - range.offset;
    slab.set(sealed.subarray(from, from + length.get(part)), slabOffset);
    blobs.set([slabOffset, length.get(part), uncompressedLength.get(part)], blob * blobColumns);
    idColumn.set(ids.array.subarray(part * idBytes, (part + 1) * idBytes), blob * idBytes);
    slabOffset += length.get(part);
  }
  const writes = new Float64Array(targets.length * writeColumns);
  let blob = -1;
  for (const [write, target] of targets.entries()) {
    if (starts[blob + 1] === target) blob++;
    const { part, fd, isSparse } = target;
    writes.set([blob, fd, fileOffset.get(part), isSparse ? 1 : 0], write * writeColumns);
  }
  return { task: { kind: "write", sealed: slab, blobs, ids: idColumn, writes }, transfer: [slab.buffer] };
}

/** Blobs of one pack are told apart by their place. */
function isSameBlob(plan: RestorePlan, a: number | undefined, b: number): boolean {
  return a !== undefined && plan.parts.packOffset.get(a) === plan.parts.packOffset.get(b);
}
