import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMountInfo, readMountPoints } from "../../../../agent/host-volumes/mount-table.ts";

test("mount points are read with their spaces, backslashes and letters beyond ASCII", () => {
  const text = [
    "36 35 98:0 /mnt1 /host_pods/u1/volumes/kubernetes.io~csi/pv\\0401/mount rw,noatime master:1 - ext3 /dev/root rw",
    "37 35 98:0 / /a\\134b rw - tmpfs tmpfs rw",
    `38 35 98:0 / /${Buffer.from("ü").toString("latin1")} rw - tmpfs tmpfs rw`,
    "",
  ].join("\n");
  assert.deepEqual([...parseMountInfo(text)], ["/host_pods/u1/volumes/kubernetes.io~csi/pv 1/mount", "/a\\b", "/ü"]);
});

test("this machine's table has its root", async () => {
  assert.ok((await readMountPoints()).has("/"));
});
