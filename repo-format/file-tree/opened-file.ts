// The little that a reader of the source needs of an open descriptor, so that nobody above has to call the file system.
import { closeSync, statfsSync } from "node:fs";
import type { DirectoryHandle } from "./directory-handle.ts";
import type { FileStat } from "./file-stat.ts";
import { systemCalls } from "./system-calls.ts";

const itself = new Uint8Array(0);

export function statOpened(fd: number): FileStat {
  return systemCalls.statAt(fd, itself);
}

export function closeOpened(fd: number): void {
  closeSync(fd);
}

/** f_type of statfs(2), from the kernel's magic.h: files there are made up when they are read. */
const pseudoFileSystems: ReadonlySet<number> = new Set([
  0x9fa0, // proc
  0x62656572, // sysfs
  0x64626720, // debugfs
  0x74726163, // tracefs
  0x27e0eb, // cgroup
  0x63677270, // cgroup2
  0x62656570, // configfs
  0x6165676c, // pstore
  0xcafe4a11, // bpf
  0x65735546, // fuse, with direct I/O
]);

/** True when a file with size 0 in this directory is empty; on file systems like proc it may hold anything. */
export function hasTrueSizes(directory: DirectoryHandle): boolean {
  return !pseudoFileSystems.has(statfsSync(directory.selfPath()).type);
}
