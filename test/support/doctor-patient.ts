// A patient for the doctor's checks without cluster, store or node: whatever a test does not give is missing.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Check, Finding, Patient } from "../../agent/doctor/finding.ts";
import { FakeClock } from "./fake-clock.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

export function patientWith(change: Partial<Patient> = {}): Patient {
  return {
    place: "pod",
    client: {} as Patient["client"],
    namespace: "velero",
    nodeName: "node-one",
    hostPodsDir: "/does/not/exist",
    scratchDir: undefined,
    cacheDirectory: undefined,
    restoreDevices: false,
    access: {} as Patient["access"],
    onSecret: () => undefined,
    procFolder: "/does/not/exist",
    memoryLimitBytes: undefined,
    clock: new FakeClock(),
    ...change,
  };
}

/** A folder in the place of /proc/self, with these files. */
export function procFolderWith(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = temporaryDirectory(t);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

/** All findings of one check. */
export async function findingsOf(check: Check, patient: Patient): Promise<readonly Finding[]> {
  const found = await check.run(patient, new AbortController().signal);
  return "outcome" in found ? [found] : found;
}

/** The only finding of one check. */
export async function findingOf(check: Check, patient: Patient): Promise<Finding> {
  const [finding, ...more] = await findingsOf(check, patient);
  if (finding === undefined || more.length > 0) throw new Error(`one finding was expected, not ${more.length + 1}`);
  return finding;
}
