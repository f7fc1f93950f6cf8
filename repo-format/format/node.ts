// One entry of a directory as a tree stores it (restic design, *Trees and Data*): everything about a file but its bytes.
import type { BlobId } from "./id.ts";
import { type TimeText, zeroTime } from "./time.ts";

export type NodeType = "file" | "dir" | "symlink" | "dev" | "chardev" | "fifo" | "socket" | "irregular" | "";

export interface ExtendedAttribute {
  readonly name: string;
  /** null where restic stored no value at all; an empty buffer is an empty value. */
  readonly value: Buffer | null;
}

/** One entry of a directory as a tree stores it (restic design, *Trees and Data*). */
export interface Node {
  /** Raw bytes, never empty, not necessarily UTF-8. */
  name: Buffer;
  type: NodeType;
  /** Go's os.FileMode, see file-mode.ts. */
  mode: number;
  mtime: TimeText;
  atime: TimeText;
  ctime: TimeText;
  /** 0 to 2^32 - 1. */
  uid: number;
  gid: number;
  /** Names of the accounts at the time of the backup; "" when unknown. */
  user: string;
  group: string;
  inode: bigint;
  deviceId: bigint;
  /** Bytes. */
  size: number;
  links: number;
  /** Raw bytes of a symlink's target. */
  linkTarget: Buffer | undefined;
  /** In the order in which the kernel listed them. */
  extendedAttributes: readonly ExtendedAttribute[];
  /** A JSON object as it was stored; Windows attributes. */
  genericAttributes: Buffer | undefined;
  /** st_rdev of a device node. */
  device: bigint;
  /** Data blobs of a file in order, empty for an empty file; undefined (null) for everything else. */
  content: readonly BlobId[] | undefined;
  /** Tree blob of a directory. */
  subtree: BlobId | undefined;
  /** What went wrong while the node was read; "" normally. */
  error: string;
}

/** A node with nothing but a name and a type; a file is empty. */
export function emptyNode(name: Buffer, type: NodeType): Node {
  return {
    name,
    type,
    mode: 0,
    mtime: zeroTime,
    atime: zeroTime,
    ctime: zeroTime,
    uid: 0,
    gid: 0,
    user: "",
    group: "",
    inode: 0n,
    deviceId: 0n,
    size: 0,
    links: 0,
    linkTarget: undefined,
    extendedAttributes: [],
    genericAttributes: undefined,
    device: 0n,
    content: type === "file" ? [] : undefined,
    subtree: undefined,
    error: "",
  };
}
