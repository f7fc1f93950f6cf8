// A file system of a few megabytes for one test: what happens when a disk is full can only be seen on one that is.
import { spawnSync } from "node:child_process";
import { mkdirSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { makeTemporaryDirectory, removeDirectory } from "./temporary-directory.ts";

export interface SmallDisk {
  /** An empty directory that only root can enter. */
  readonly path: string;
  /** Fills it up to so many bytes, in a file "filler". */
  fill(roomBytes: number): void;
  /** Changes the size; what is stored stays. */
  resize(mebibytes: number): void;
}

/** @returns undefined, and the test counts as skipped, where this process may not mount anything. */
export function smallDisk(t: TestContext, mebibytes: number): SmallDisk | undefined {
  const folder = makeTemporaryDirectory("disk");
  const path = join(folder, "mounted");
  mkdirSync(path);
  t.after(() => {
    spawnSync("umount", ["-l", path]);
    removeDirectory(folder);
  });
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${mebibytes}m,mode=0700`, "tmpfs", path]);
  if (mounted.status !== 0) {
    t.skip(`no tmpfs can be mounted here: ${mounted.stderr?.toString().trim() ?? "there is no mount program"}`);
    return undefined;
  }
  return {
    path,
    fill: (roomBytes) => {
      const { bavail, bsize } = statfsSync(path);
      writeFileSync(join(path, "filler"), Buffer.alloc(bavail * bsize - roomBytes));
    },
    resize: (size) => {
      const done = spawnSync("mount", ["-o", `remount,size=${size}m`, path]);
      if (done.status !== 0) throw new Error(`mount: ${done.stderr}`);
    },
  };
}
