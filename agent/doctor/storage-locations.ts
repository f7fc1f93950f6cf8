// Can the agent use each BackupStorageLocation with its credentials? It lists, and where it may write it stores, reads and
// deletes a small object of its own, where nobody looks for repositories.

import { randomBytes } from "node:crypto";
import type { ObjectStorage } from "../../repo-format/index.ts";
import type { BackupStorageLocation } from "../../src/api/backup-storage-location.ts";
import { backupStorageLocations } from "../../src/api/resources.ts";
import { judgeOffset } from "./clock-offset.ts";
import { type Check, type Finding, failed, ok, type Patient, skipped, warning } from "./finding.ts";
import { mayNotLook } from "./may-not-look.ts";
import { explainStoreFailure, type StoreStep } from "./store-failure.ts";
import { withTimeLimit } from "./time-limit.ts";

export const storageLocations: Check = { name: "storage-location", from: "everywhere", run: tryLocations };

/** For one location; the others do not wait for it. */
const locationLimitMs = 20_000;

async function tryLocations(patient: Patient, signal: AbortSignal): Promise<readonly Finding[]> {
  const { client, namespace } = patient;
  const { items } = await client.list(backupStorageLocations, { namespace, signal });
  if (items.length === 0) {
    const message = `the namespace ${namespace} has no BackupStorageLocation`;
    return [warning(message, "apply one (manifests/examples/storage-location-s3.yaml)")];
  }
  const examined = await Promise.all(items.map((location) => tryLocation(location, patient, signal)));
  // With one that works the agent has something to do.
  const isStuck = examined.every(([first]) => first.outcome === "failed");
  return examined.flatMap(([first, ...more]) => [isStuck ? { ...first, stopsWork: true } : first, ...more]);
}

/** About the location, and then perhaps about its clock. */
type LocationFindings = readonly [Finding, ...Finding[]];

async function tryLocation(
  location: BackupStorageLocation,
  patient: Patient,
  signal: AbortSignal,
): Promise<LocationFindings> {
  const subject = location.metadata.name;
  if (patient.place === "outside" && usesCredentialsOfPod(location)) {
    return [{ ...skipped("it is reached with what the agent's pod has: run the doctor there"), subject }];
  }
  const step: { current: StoreStep } = { current: "open" };
  const limit = { limitMs: locationLimitMs, clock: patient.clock, signal };
  try {
    const findings = await withTimeLimit(limit, (limited) => useLocation(location, { patient, step, signal: limited }));
    const [first, ...more] = findings;
    return [{ ...first, subject }, ...more.map((finding) => ({ ...finding, subject }))];
  } catch (error) {
    const unseen = mayNotLook(error, patient.place);
    if (unseen !== undefined) return [{ ...unseen, subject }];
    const { message, remedy, isNetwork } = explainStoreFailure(error, step.current, location);
    // Names and addresses inside of a cluster mean nothing outside of it.
    const isExcused = isNetwork && patient.place === "outside";
    const finding = isExcused
      ? warning(`${message} (from here; agents may reach it)`, remedy)
      : failed(message, remedy);
    return [{ ...finding, subject }];
  }
}

/** A mounted directory, or credentials of the pod: a file, its environment, its service account or its node. */
function usesCredentialsOfPod({ spec }: BackupStorageLocation): boolean {
  return spec.provider === "local" || spec.credential === undefined || (spec.config?.credentialsFile ?? "") !== "";
}

interface Attempt {
  readonly patient: Patient;
  /** What is being done, for the message when it fails. */
  readonly step: { current: StoreStep };
  readonly signal: AbortSignal;
}

async function useLocation(location: BackupStorageLocation, attempt: Attempt): Promise<LocationFindings> {
  const { patient, step, signal } = attempt;
  const { storage, prefix } = await patient.access.openObjects(location, signal);
  try {
    step.current = "list";
    await storage.listFolders(prefix, { signal });
    const isReadOnly = location.spec.accessMode === "ReadOnly";
    if (!isReadOnly) await writeProbe(storage, `${prefix}restic/.stowage/`, attempt);
    const offsetMs = storage.clockOffsetMs;
    return [
      ok(isReadOnly ? "it can be listed; it is read-only" : "objects can be listed, stored, read and deleted"),
      ...(offsetMs === undefined ? [] : [judgeOffset(offsetMs, "the store's clock")]),
    ];
  } finally {
    await storage.close();
  }
}

/** Below `restic/`, because other folders of a location would make Velero's server refuse it; no namespace is called so. */
async function writeProbe(storage: ObjectStorage, folder: string, { step, signal }: Attempt): Promise<void> {
  const key = `${folder}probe-${randomBytes(8).toString("hex")}`;
  const body = Buffer.from(`probe of stowage agent doctor ${randomBytes(8).toString("hex")}\n`);
  step.current = "write";
  try {
    await storage.put(key, body, { signal });
    step.current = "read";
    const stored = await storage.get(key, { signal, maxBytes: body.length });
    if (!stored.equals(body)) throw new Error(`${key} was read with other bytes than it was stored with`);
  } catch (error) {
    // What was perhaps stored goes, if it can; the first failure is the one that matters.
    await storage.delete(key).catch(() => undefined);
    throw error;
  }
  step.current = "delete";
  await storage.delete(key, { signal });
  await storage.removeEmptyFolders?.(folder);
}
