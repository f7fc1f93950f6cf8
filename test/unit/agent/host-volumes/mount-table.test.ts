import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isMountPoint, parseMountInfo, parseMounts } from "../../../../agent/host-volumes/mount-table.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

test("mount points are read with their spaces, backslashes and letters beyond ASCII", () => {
  const text = [
    "36 35 98:0 /mnt1 /host_pods/u1/volumes/kubernetes.io~csi/pv\\0401/mount rw,noatime master:1 - ext3 /dev/root rw",
    "37 35 98:0 / /a\\134b rw - tmpfs tmpfs rw",
    `38 35 98:0 / /${Buffer.from("ü").toString("latin1")} rw - tmpfs tmpfs rw`,
    "",
  ].join("\n");
  assert.deepEqual([...parseMountInfo(text)], ["/host_pods/u1/volumes/kubernetes.io~csi/pv 1/mount", "/a\\b", "/ü"]);
});

test("the root is a mount point, also over a link; a plain directory is none", async (t) => {
  const folder = temporaryDirectory(t);
  symlinkSync("/", join(folder, "link"));
  assert.equal(await isMountPoint("/"), true);
  assert.equal(await isMountPoint(join(folder, "link")), true);
  assert.equal(await isMountPoint(folder), false);
});

test("the ties of a mount to others are read, and none where it is private", () => {
  const text = [
    "36 35 98:0 / /a rw,noatime shared:4 master:1 - ext3 /dev/root rw",
    "37 35 98:0 / /b rw - tmpfs tmpfs rw",
    "",
  ].join("\n");
  assert.deepEqual(parseMounts(text), [
    { mountPoint: "/a", tags: ["shared:4", "master:1"] },
    { mountPoint: "/b", tags: [] },
  ]);
});
