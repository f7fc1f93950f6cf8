// Makes a directory tree that holds whatever a file system allows, from a seed: names of any bytes, all modes, links,
// holes, extended attributes, access lists, FIFOs, times before 1970 and with nanoseconds. What needs root is left out
// without it.
import {
  chmodSync,
  closeSync,
  ftruncateSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeSync,
} from "node:fs";
import { systemCalls } from "../../repo-format/file-tree/system-calls.ts";
import { type SeededRandom, seededRandom } from "./seeded-random.ts";

export interface RandomTreeOptions {
  readonly seed: number | string;
  /** Default 200. */
  readonly entries?: number;
  /** A few files are this long, most are far shorter. Default 3 MiB, which is more than one chunk. */
  readonly largestFileBytes?: number;
  /** Character and block devices; only root can make them. Default false. */
  readonly devices?: boolean;
  /** Names that are not UTF-8. Default true. */
  readonly anyBytesInNames?: boolean;
  /** Links that point to names that are not UTF-8. Default true. */
  readonly anyBytesInLinks?: boolean;
}

type EntryType = "file" | "directory" | "symlink" | "fifo" | "device" | "hard link";

interface Entry {
  readonly path: Buffer;
  readonly type: EntryType;
}

const isRoot = process.getuid?.() === 0;
const holeUnitBytes = 64 * 1024;

/**
 * Fills `root`, an existing empty directory.
 * @returns the paths of all entries, in the order in which they were made.
 */
export function writeRandomTree(root: string, options: RandomTreeOptions): Buffer[] {
  const random = seededRandom(options.seed);
  const directories: Buffer[] = [Buffer.from(root)];
  const entries: Entry[] = [];
  const contents: Buffer[] = [];
  for (let made = 0; made < (options.entries ?? 200); made += 1) {
    const files = entries.filter((entry) => entry.type === "file");
    const type = pickType(random, files.length > 0, options.devices === true && isRoot);
    const path = freePath(random, random.pick(directories), options.anyBytesInNames ?? true);
    if (type === "file") writeRandomFile(random, path, contents, options.largestFileBytes ?? 3 * 1024 * 1024);
    else if (type === "directory") mkdirSync(path);
    else if (type === "symlink") symlinkSync(linkTarget(random, options.anyBytesInLinks ?? true), path);
    else if (type === "hard link") linkSync(random.pick(files).path, path);
    else if (type === "fifo") systemCalls.mknod(path, 0o010644, 0n);
    else systemCalls.mknod(path, random.chance(0.5) ? 0o020644 : 0o060644, BigInt(random.integer(0x100, 0xffff)));
    if (type === "directory" && depthBelow(root, path) < 7) directories.push(path);
    entries.push({ path, type });
  }
  // Children first: making one changes the time of its directory.
  for (const entry of entries.toReversed()) {
    if (entry.type !== "hard link") randomMetadata(random, entry);
  }
  randomMetadata(random, { path: Buffer.from(root), type: "directory" });
  return entries.map((entry) => entry.path);
}

function pickType(random: SeededRandom, mayLink: boolean, mayMakeDevices: boolean): EntryType {
  const kind = random.fraction();
  if (kind < 0.2) return "directory";
  if (kind < 0.3) return "symlink";
  if (kind < 0.36 && mayLink) return "hard link";
  if (kind < 0.38) return "fifo";
  if (kind < 0.41 && mayMakeDevices) return "device";
  return "file";
}

/** Holes are whole units of 64 KiB, so that every file system can keep them. */
function writeRandomFile(random: SeededRandom, path: Buffer, contents: Buffer[], largestBytes: number): void {
  const fd = openSync(path, "wx", 0o600);
  try {
    if (random.chance(0.1)) {
      const units = random.integer(1, Math.max(1, Math.floor(largestBytes / holeUnitBytes)));
      for (let unit = 0; unit < units; unit += 1) {
        if (random.chance(0.2))
          writeSync(fd, random.bytes(random.integer(1, holeUnitBytes)), 0, null, unit * holeUnitBytes);
      }
      ftruncateSync(fd, units * holeUnitBytes + random.integer(0, 5000));
      return;
    }
    const again = contents.length > 0 && random.chance(0.15);
    const content = again ? random.pick(contents) : random.bytes(fileLength(random, largestBytes));
    contents.push(content);
    writeSync(fd, content);
  } finally {
    closeSync(fd);
  }
}

function fileLength(random: SeededRandom, largestBytes: number): number {
  const kind = random.fraction();
  if (kind < 0.1) return 0;
  if (kind < 0.7) return random.integer(1, Math.min(2000, largestBytes));
  if (kind < 0.97) return random.integer(1, Math.min(100_000, largestBytes));
  return random.integer(Math.floor(largestBytes / 2), largestBytes);
}

function freePath(random: SeededRandom, directory: Buffer, anyBytes: boolean): Buffer {
  for (;;) {
    const path = Buffer.concat([directory, Buffer.from("/"), randomName(random, anyBytes)]);
    // ENAMETOOLONG cannot happen: at most 8 names of 255 bytes.
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return path;
  }
}

const peculiarNames = [
  "...",
  "-rf",
  " ",
  "~",
  "a\nb",
  'quo"te',
  "back\\slash",
  "*",
  "[x]",
  "%41",
  "\u007f",
  "\u0001",
  "<&>\u2028",
];

function randomName(random: SeededRandom, anyBytes: boolean): Buffer {
  const kind = random.fraction();
  const suffix = random.integer(0, 9999);
  if (kind < 0.1) return Buffer.from(`${random.pick(peculiarNames)}${random.chance(0.3) ? "" : suffix}`);
  if (kind < 0.2)
    return Buffer.from(`${random.pick(["é", "e\u0301", "文件", "😀", "ß", "\ufffd", "\ufeff"])}${suffix}`);
  if (kind < 0.35 && anyBytes) {
    const bytes = random.bytes(random.chance(0.1) ? 255 : random.integer(1, 30));
    const name = bytes.map((byte) => (byte === 0 || byte === 0x2f ? 0xff : byte));
    return name.every((byte) => byte === 0x2e) ? Buffer.of(0xfe) : Buffer.from(name);
  }
  if (kind < 0.38) return Buffer.from("long".repeat(63) + String(suffix % 1000).padStart(3, "0"));
  return Buffer.from(`${random.pick(["file", "data", "a", "Z", "x.log", "node_modules"])}${suffix}`);
}

function linkTarget(random: SeededRandom, anyBytes: boolean): Buffer {
  const target = random.pick(["../file1", "/etc/passwd", "nowhere", ".", "..", "a/b/../c"]);
  const isOdd = random.chance(0.2) && anyBytes;
  return isOdd ? Buffer.concat([Buffer.from(target), Buffer.of(0xff, 0x20, 0xc3)]) : Buffer.from(target);
}

/** In the order in which one change undoes none before: owner, attributes, mode, times. */
function randomMetadata(random: SeededRandom, { path, type }: Entry): void {
  if (isRoot && random.chance(0.5)) lchownSync(path, random.integer(0, 70_000), random.integer(0, 70_000));
  if (type === "file" || type === "directory") randomAttributes(random, path, type);
  if (type !== "symlink") chmodSync(path, randomMode(random, type));
  const mtimeNs = randomTime(random);
  systemCalls.utimensat(path, mtimeNs + BigInt(random.integer(0, 10 ** 9)), mtimeNs);
}

function randomMode(random: SeededRandom, type: EntryType): number {
  const usual =
    type === "directory" ? random.pick([0o755, 0o700, 0o2775, 0o1777]) : random.pick([0o644, 0o600, 0o755, 0o4755]);
  const mode = random.chance(0.7) ? usual : random.integer(0, 0o7777);
  // Without root, what its owner cannot read cannot be backed up.
  if (isRoot) return mode;
  return (mode & 0o1777) | (type === "directory" ? 0o700 : 0o600);
}

/** Within what ext4 keeps (1901 to 2446), mostly recent. */
function randomTime(random: SeededRandom): bigint {
  const kind = random.fraction();
  const seconds =
    kind < 0.15
      ? random.integer(-(2 ** 31), -1)
      : kind < 0.2
        ? random.integer(2 ** 31, 2 ** 33)
        : random.integer(0, 1_800_000_000);
  return BigInt(seconds) * 1_000_000_000n + BigInt(random.chance(0.3) ? 0 : random.integer(0, 999_999_999));
}

function randomAttributes(random: SeededRandom, path: Buffer, type: EntryType): void {
  while (random.chance(0.25)) {
    const name = `user.${random.pick(["comment", "x", "名前", 'quo"te', "a.b.c"])}${random.integer(0, 99)}`;
    setAttribute(path, name, random.bytes(random.integer(0, 200)));
  }
  if (random.chance(0.1)) setAttribute(path, "system.posix_acl_access", accessList(random));
  if (random.chance(0.05) && type === "directory") setAttribute(path, "system.posix_acl_default", accessList(random));
  // vfs_cap_data, revision 2, with cap_net_bind_service permitted and effective; a change of owner would remove it.
  const capability = Buffer.from("0100000200040000000000000000000000000000", "hex");
  if (isRoot && random.chance(0.05) && type === "file") setAttribute(path, "security.capability", capability);
}

/** Linux' binary form (linux/posix_acl_xattr.h): version 2, then tag, permissions and id of each entry, in this order. */
function accessList(random: SeededRandom): Buffer {
  const nobody = 0xffffffff;
  const entries = [
    [0x01, 6, nobody],
    [0x02, random.integer(0, 7), random.integer(1000, 2000)],
    [0x04, random.integer(0, 7), nobody],
    [0x10, 7, nobody],
    [0x20, random.integer(0, 7), nobody],
  ] as const;
  const bytes = Buffer.alloc(4 + 8 * entries.length);
  bytes.writeUInt32LE(2, 0);
  for (const [at, [tag, permissions, id]] of entries.entries()) {
    bytes.writeUInt16LE(tag, 4 + 8 * at);
    bytes.writeUInt16LE(permissions, 6 + 8 * at);
    bytes.writeUInt32LE(id, 8 + 8 * at);
  }
  return bytes;
}

function setAttribute(path: Buffer, name: string, value: Buffer): void {
  try {
    systemCalls.lsetxattr(path, name, value);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // The file system keeps none, or no more on this file.
    if (code !== "ENOTSUP" && code !== "ENOSPC" && code !== "EPERM" && code !== "E2BIG") throw error;
  }
}

function depthBelow(root: string, path: Buffer): number {
  return path.subarray(Buffer.byteLength(root)).filter((byte) => byte === 0x2f).length;
}
