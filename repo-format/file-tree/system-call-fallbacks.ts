// What happens where libc cannot be called: the nearest thing that Node's own modules can do. Extended attributes are lost,
// times lose nanoseconds, holes are read as zeros; nothing else changes.
import { spawnSync } from "node:child_process";
import { closeSync, fstatSync, futimesSync, lstatSync, lutimesSync, mkdirSync, openSync, readdirSync } from "node:fs";
import type { SystemCalls } from "./system-call-contract.ts";

const typeMask = 0o170000;
/** st_mode type → mknod's word for it. */
const nodeTypes: ReadonlyMap<number, string> = new Map([
  [0o010000, "p"],
  [0o020000, "c"],
  [0o060000, "b"],
]);

export const fallbackCalls: SystemCalls = {
  statAt: (directory, name) =>
    name.length === 0
      ? fstatSync(directory, { bigint: true })
      : lstatSync(childPath(directory, name), { bigint: true }),
  readDirectory: (fd) => readdirSync(`/proc/self/fd/${fd}/`, { encoding: "latin1" }),
  llistxattr: () => [],
  listxattrAt: () => [],
  lgetxattr: () => {
    throw unsupported("lgetxattr");
  },
  lsetxattr: () => {
    throw unsupported("lsetxattr");
  },
  lremovexattr: () => {
    throw unsupported("lremovexattr");
  },
  utimensat: (path, atimeNs, mtimeNs) => {
    lutimesSync(Buffer.from(path), nodeTime(atimeNs), nodeTime(mtimeNs));
    return isExact(atimeNs) && isExact(mtimeNs);
  },
  openAt: (directory, name, flags, mode) => openSync(childPath(directory, name), flags, mode),
  makeDirectoryAt: (directory, name, mode) => void mkdirSync(childPath(directory, name), mode),
  close: closeSync,
  futimens: (fd, { seconds, nanoseconds }) => {
    const time = nodeTime(BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds));
    futimesSync(fd, time, time);
    return nanoseconds === 0;
  },
  flistxattr: () => [],
  mknod: (path, mode, device) => makeNodeByCommand(path, mode, device),
  seekData: (fd, offset) => (offset < fstatSync(fd).size ? offset : -1),
  seekHole: (fd) => fstatSync(fd).size,
  fallocate: () => false,
  dropFromCache: () => {},
};

/** In plain Node, openat is a path through the descriptor. */
export function childPath(directory: number, name: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`/proc/self/fd/${directory}/`), name]);
}

/** Seconds as a double lose up to 240 ns; negative numbers would become "now", a Date keeps milliseconds. */
function nodeTime(timeNs: bigint): number | Date {
  return timeNs < 0n ? new Date(Number(timeNs / 1_000_000n)) : Number(timeNs) / 1e9;
}

function isExact(timeNs: bigint): boolean {
  return timeNs % 1_000_000_000n === 0n;
}

function makeNodeByCommand(path: Uint8Array, mode: number, device: bigint): void {
  const text = Buffer.from(path).toString();
  const type = nodeTypes.get(mode & typeMask);
  // Arguments of a program are UTF-8 here, and the child has no descriptor of ours: its path names our process instead.
  if (type === undefined || !Buffer.from(text).equals(path)) throw unsupported("mknod");
  const reachable = text.replace(/^\/proc\/self\//, `/proc/${process.pid}/`);
  const numbers = type === "p" ? [] : [String(majorOf(device)), String(minorOf(device))];
  const permissions = (mode & 0o7777).toString(8);
  const result = spawnSync("mknod", ["-m", permissions, "--", reachable, type, ...numbers], { stdio: "ignore" });
  if (result.error !== undefined) throw result.error;
  if (result.status !== 0) throw unsupported("mknod", "EPERM");
}

/** glibc's layout of dev_t. */
function majorOf(device: bigint): bigint {
  return ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn & 0xffff_ffffn);
}

function minorOf(device: bigint): bigint {
  return (device & 0xffn) | ((device >> 12n) & ~0xffn & 0xffff_ffffn);
}

function unsupported(syscall: string, code: string = "ENOTSUP"): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException = new Error(`${code}: ${syscall} is not available here`);
  error.code = code;
  error.syscall = syscall;
  return error;
}
