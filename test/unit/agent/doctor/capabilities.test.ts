import assert from "node:assert/strict";
import { test } from "node:test";
import { capabilities } from "../../../../agent/doctor/capabilities.ts";
import { findingOf, patientWith, procFolderWith } from "../../../support/doctor-patient.ts";

/** CHOWN 0, DAC_OVERRIDE 1, DAC_READ_SEARCH 2, FOWNER 3, FSETID 4, MKNOD 27, SETFCAP 31. */
function statusWith(...bits: number[]): string {
  const mask = bits.reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n);
  return `Name:\tnode\nCapPrm:\t0000000000000000\nCapEff:\t${mask.toString(16).padStart(16, "0")}\nCapBnd:\t0\n`;
}

const ofManifest = [0, 1, 2, 3, 4, 31];

test("the capabilities of the manifest are enough, also for restores", async (t) => {
  const procFolder = procFolderWith(t, { status: statusWith(...ofManifest) });
  assert.equal((await findingOf(capabilities, patientWith({ procFolder }))).outcome, "ok");
});

test("a process that may only read is told what its restores lack", async (t) => {
  const procFolder = procFolderWith(t, { status: statusWith(2) });
  const { outcome, message, stopsWork } = await findingOf(capabilities, patientWith({ procFolder }));
  assert.equal(outcome, "warning");
  assert.match(message, /backups work; .*CHOWN \(owners\).*SETFCAP/);
  assert.doesNotMatch(message, /MKNOD/);
  assert.equal(stopsWork, undefined);
});

test("MKNOD is missed only where device nodes are restored", async (t) => {
  const procFolder = procFolderWith(t, { status: statusWith(...ofManifest) });
  const { outcome, message } = await findingOf(capabilities, patientWith({ procFolder, restoreDevices: true }));
  assert.equal(outcome, "warning");
  assert.match(message, /MKNOD \(device nodes\)/);
});

test("a process that cannot read other owners' files can do nothing", async (t) => {
  const procFolder = procFolderWith(t, { status: statusWith(0, 3) });
  const { outcome, stopsWork, remedy } = await findingOf(capabilities, patientWith({ procFolder }));
  assert.deepEqual([outcome, stopsWork], ["failed", true]);
  assert.match(remedy ?? "", /DAC_READ_SEARCH/);
});

test("where the system does not tell, the check is skipped", async () => {
  assert.equal((await findingOf(capabilities, patientWith())).outcome, "skipped");
});
