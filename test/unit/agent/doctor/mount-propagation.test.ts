import assert from "node:assert/strict";
import { test } from "node:test";
import { mountPropagation } from "../../../../agent/doctor/mount-propagation.ts";
import { findingOf, patientWith, procFolderWith } from "../../../support/doctor-patient.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

const cases = [
  { title: "a slave mount sees later mounts", tags: "master:3 ", outcome: "ok", says: /HostToContainer/ },
  { title: "a shared mount sees later mounts", tags: "shared:7 ", outcome: "ok", says: /Bidirectional/ },
  { title: "a private mount does not, which fails", tags: "", outcome: "failed", says: /the mount is private/ },
  // It has "unbindable", which is no tie to another mount.
  { title: "an unbindable mount is private", tags: "unbindable ", outcome: "failed", says: /private/ },
];

for (const { title, tags, outcome, says } of cases) {
  test(title, async (t) => {
    const hostPodsDir = temporaryDirectory(t);
    const mountinfo = [
      "1 0 8:1 / / rw - ext4 /dev/root rw",
      `2 1 8:1 /var/lib/kubelet/pods ${hostPodsDir} rw,relatime ${tags}- ext4 /dev/root rw`,
      `3 2 0:9 / ${hostPodsDir}/u/volumes/x rw shared:99 - tmpfs tmpfs rw`,
      "",
    ].join("\n");
    const procFolder = procFolderWith(t, { mountinfo });
    const finding = await findingOf(mountPropagation, patientWith({ hostPodsDir, procFolder }));
    assert.equal(finding.outcome, outcome);
    assert.match(finding.message, says);
  });
}

test("of several mounts at one place the last counts", async (t) => {
  const hostPodsDir = temporaryDirectory(t);
  const line = (tags: string): string => `2 1 8:1 / ${hostPodsDir} rw ${tags}- ext4 /dev/root rw\n`;
  const procFolder = procFolderWith(t, { mountinfo: line("master:3 ") + line("") });
  assert.equal((await findingOf(mountPropagation, patientWith({ hostPodsDir, procFolder }))).outcome, "failed");
});

test("a folder that is no mount, or is not there, is skipped with the reason", async (t) => {
  const procFolder = procFolderWith(t, { mountinfo: "1 0 8:1 / / rw - ext4 /dev/root rw\n" });
  const hostPodsDir = temporaryDirectory(t);
  const plain = await findingOf(mountPropagation, patientWith({ hostPodsDir, procFolder }));
  assert.deepEqual([plain.outcome, /no mount of its own/.test(plain.message)], ["skipped", true]);
  assert.equal((await findingOf(mountPropagation, patientWith({ procFolder }))).outcome, "skipped");
});
