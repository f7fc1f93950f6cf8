// Says in what two directory trees differ, entry by entry: bytes, types, owners, modes, times, links, attributes.

import type { BigIntStats } from "node:fs";
import { closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from "node:fs";
import { systemCalls } from "../../repo-format/file-tree/system-calls.ts";

export interface CompareOptions {
  /** Owner and group. Default true. */
  readonly owners?: boolean;
  /** Modification times, to the nanosecond. Default true. */
  readonly times?: boolean;
  /** Times of directories alone; false while something is written into them. Default true. */
  readonly directoryTimes?: boolean;
  readonly attributes?: boolean;
  /** The metadata of the two roots. Default true. */
  readonly root?: boolean;
  /** Also report files for which `actual` takes more than 64 KiB more space than `expected`. Default false. */
  readonly holes?: boolean;
  /** Leaves out an entry and all below it. The path is relative, as raw bytes read as Latin-1. */
  readonly ignore?: (path: string) => boolean;
}

interface Comparison {
  readonly options: CompareOptions;
  readonly differences: string[];
  /** Path of the first name seen of each file with several, per tree: which names belong together. */
  readonly links: readonly [Map<string, string>, Map<string, string>];
}

/** @returns one line for each difference; none when the trees are the same. */
export function compareTrees(
  expected: string | Buffer,
  actual: string | Buffer,
  options: CompareOptions = {},
): string[] {
  const comparison: Comparison = { options, differences: [], links: [new Map(), new Map()] };
  const [left, right] = [Buffer.from(expected), Buffer.from(actual)];
  if (options.root !== false) compareEntry(comparison, ".", left, right);
  compareDirectories(comparison, Buffer.alloc(0), left, right);
  return comparison.differences;
}

function compareDirectories(comparison: Comparison, relative: Buffer, left: Buffer, right: Buffer): void {
  const names = (folder: Buffer): Set<string> => {
    const all = readdirSync(folder, { encoding: "buffer" }).map((name) => name.toString("latin1"));
    const isIgnored = comparison.options.ignore;
    return new Set(
      isIgnored === undefined ? all : all.filter((name) => !isIgnored(`${relative.toString("latin1")}${name}`)),
    );
  };
  const [leftNames, rightNames] = [names(left), names(right)];
  for (const name of [...leftNames.union(rightNames)].sort()) {
    const bytes = Buffer.from(name, "latin1");
    const path = Buffer.concat([relative, bytes]);
    const [leftPath, rightPath] = [childOf(left, bytes), childOf(right, bytes)];
    if (!rightNames.has(name)) comparison.differences.push(`${show(path)}: missing`);
    else if (!leftNames.has(name)) comparison.differences.push(`${show(path)}: unexpected`);
    else if (compareEntry(comparison, show(path), leftPath, rightPath)) {
      compareDirectories(comparison, Buffer.concat([path, Buffer.from("/")]), leftPath, rightPath);
    }
  }
}

/** @returns true when both are directories. */
function compareEntry(comparison: Comparison, path: string, left: Buffer, right: Buffer): boolean {
  const { options, differences } = comparison;
  const [a, b] = [lstatSync(left, { bigint: true }), lstatSync(right, { bigint: true })];
  const differ = (what: string, expected: unknown, actual: unknown): void => {
    if (expected !== actual) differences.push(`${path}: ${what} ${actual} instead of ${expected}`);
  };
  if (typeOf(a) !== typeOf(b)) {
    differ("type", typeOf(a), typeOf(b));
    return false;
  }
  // Linux has no modes on links.
  if (!a.isSymbolicLink()) differ("mode", octal(a.mode), octal(b.mode));
  if (options.owners !== false) differ("owner", `${a.uid}:${a.gid}`, `${b.uid}:${b.gid}`);
  const compareTimes = options.times !== false && (options.directoryTimes !== false || !a.isDirectory());
  if (compareTimes) differ("mtime", a.mtimeNs, b.mtimeNs);
  if (options.attributes !== false) differ("attributes", attributesOf(left), attributesOf(right));
  if (a.isSymbolicLink()) differ("target", targetOf(left), targetOf(right));
  if (a.isCharacterDevice() || a.isBlockDevice()) differ("device", a.rdev, b.rdev);
  if (a.isFile()) {
    differ("size", a.size, b.size);
    if (a.size === b.size && !sameBytes(left, right)) differences.push(`${path}: content differs`);
    differ("hard link to", linkedTo(comparison.links[0], a, path), linkedTo(comparison.links[1], b, path));
    const surplusBytes = (b.blocks - a.blocks) * 512n;
    if (options.holes === true && surplusBytes > 65536n) differences.push(`${path}: takes ${surplusBytes} bytes more`);
  }
  return a.isDirectory();
}

function typeOf(stats: BigIntStats): string {
  return octal(stats.mode & 0o170000n);
}

function octal(mode: bigint): string {
  return `0${mode.toString(8)}`;
}

function targetOf(path: Buffer): string {
  return show(readlinkSync(path, { encoding: "buffer" }));
}

function attributesOf(path: Buffer): string {
  const names = systemCalls.llistxattr(path).map((name) => name.toString("latin1"));
  return names
    .sort()
    .map((name) => {
      const bytes = Buffer.from(name, "latin1");
      return `${show(bytes)}=${systemCalls.lgetxattr(path, bytes).toString("hex")}`;
    })
    .join(" ");
}

function linkedTo(links: Map<string, string>, stats: BigIntStats, path: string): string {
  if (stats.nlink === 1n) return "nothing";
  const file = `${stats.dev}/${stats.ino}`;
  const first = links.get(file);
  if (first === undefined) links.set(file, path);
  return first ?? "nothing before";
}

function sameBytes(left: Buffer, right: Buffer): boolean {
  const [a, b] = [openSync(left, "r"), openSync(right, "r")];
  try {
    const [pieceA, pieceB] = [Buffer.allocUnsafe(256 * 1024), Buffer.allocUnsafe(256 * 1024)];
    for (;;) {
      const length = readSync(a, pieceA);
      if (readSync(b, pieceB) !== length) return false;
      if (length === 0) return true;
      if (!pieceA.subarray(0, length).equals(pieceB.subarray(0, length))) return false;
    }
  } finally {
    closeSync(a);
    closeSync(b);
  }
}

function childOf(directory: Buffer, name: Buffer): Buffer {
  return Buffer.concat([directory, Buffer.from("/"), name]);
}

/** Printable, one to one for UTF-8; other bytes as \xNN. */
function show(bytes: Buffer): string {
  const text = bytes.toString("utf8");
  if (Buffer.from(text).equals(bytes)) return JSON.stringify(text);
  return `"${bytes.toString("latin1").replaceAll(/[^ -~]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`)}"`;
}
