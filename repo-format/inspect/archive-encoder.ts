// What an archive format must be able to do for a dump: files, directories and symlinks in a row, each as bytes to write.

import type { ExtendedAttribute } from "../format/node.ts";
import { parseTime, type TimeText } from "../format/time.ts";

/** A file, directory or symlink of an archive. */
export interface ArchiveEntry {
  readonly type: "file" | "dir" | "symlink";
  /** Raw bytes, relative, without a slash at the end. */
  readonly path: Buffer;
  /** st_mode, type bits included. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly user: string;
  readonly group: string;
  readonly mtime: TimeText;
  /** Of a file; 0 for everything else. */
  readonly sizeBytes: number;
  /** Of a symlink; empty for everything else. */
  readonly linkTarget: Buffer;
  readonly extendedAttributes: readonly ExtendedAttribute[];
}

/** Calls come in this order: for each entry `begin`, `data` as often as there are pieces, `end`; then `finish`. */
export interface ArchiveEncoder {
  begin(entry: ArchiveEntry): Buffer;
  /** Pieces of a file; together they have the size that the entry says. */
  data(bytes: Buffer): Buffer | Promise<Buffer>;
  end(): Buffer | Promise<Buffer>;
  finish(): Buffer;
}

/** Seconds since the epoch, rounded to the nearest; 0 for a time that was never set. */
export function roundedSeconds(time: TimeText): bigint {
  const { unixNs } = parseTime(time);
  // The year 1, Go's zero time.
  if (unixNs === -62_135_596_800_000_000_000n) return 0n;
  const shifted = unixNs + 500_000_000n;
  const seconds = shifted / 1_000_000_000n;
  return shifted < 0n && shifted % 1_000_000_000n !== 0n ? seconds - 1n : seconds;
}
