// Names and metadata of many entries in columns, as tasks carry them.
import type { PlainMetadata } from "../file-tree/plain-metadata.ts";

/** Five an entry: mode, uid, gid, seconds and nanoseconds of its time. */
const metadataColumns = 5;

export interface NameColumns {
  /** Raw names, back to back. */
  readonly names: Uint8Array;
  readonly nameEnds: Uint32Array;
}

/** @param names raw bytes as latin1. */
export function namesOf(names: readonly string[]): NameColumns {
  const nameEnds = new Uint32Array(names.length);
  let end = 0;
  for (const [row, name] of names.entries()) {
    end += name.length;
    nameEnds[row] = end;
  }
  return { names: Buffer.from(names.join(""), "latin1"), nameEnds };
}

/** A view. */
export function nameAt({ names, nameEnds }: NameColumns, row: number): Uint8Array {
  return names.subarray(row === 0 ? 0 : nameEnds[row - 1], nameEnds[row]);
}

export function metadataOf(entries: readonly PlainMetadata[]): Float64Array {
  const columns = new Float64Array(entries.length * metadataColumns);
  for (const [row, { mode, uid, gid, seconds, nanoseconds }] of entries.entries())
    columns.set([mode, uid, gid, seconds, nanoseconds], row * metadataColumns);
  return columns;
}

export function metadataAt(columns: Float64Array, row: number): PlainMetadata {
  const at = row * metadataColumns;
  return {
    mode: columns[at] as number,
    uid: columns[at + 1] as number,
    gid: columns[at + 2] as number,
    seconds: columns[at + 3] as number,
    nanoseconds: columns[at + 4] as number,
  };
}
