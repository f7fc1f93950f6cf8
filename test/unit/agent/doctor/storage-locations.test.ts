import assert from "node:assert/strict";
import { test } from "node:test";
import type { Finding, Patient } from "../../../../agent/doctor/finding.ts";
import { storageLocations } from "../../../../agent/doctor/storage-locations.ts";
import { type ObjectStorage, openStorage, RepositoryError } from "../../../../repo-format/index.ts";
import { findingsOf, patientWith } from "../../../support/doctor-patient.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

type Method = "listFolders" | "put" | "get" | "delete";

interface Played {
  readonly name?: string;
  readonly accessMode?: string;
  readonly credential?: object;
  readonly provider?: string;
  /** Methods that fail. */
  readonly fails?: Partial<Record<Method, Error>>;
  readonly hangs?: boolean;
  readonly clockOffsetMs?: number;
}

const secret = { name: "cloud-credentials", key: "cloud" };
const denied = new RepositoryError("storage-denied", "no", { details: { reason: "AccessDenied" } });

/** A store in memory for each location, with what goes wrong there. */
async function examine(locations: readonly Played[], change: Partial<Patient> = {}) {
  const stores = new Map<string, ObjectStorage>();
  const calls: string[] = [];
  for (const { name = "default" } of locations) stores.set(name, await openStorage("memory:"));
  const items = locations.map(({ name = "default", accessMode, credential = secret, provider = "aws" }) => ({
    metadata: { name },
    spec: { provider, accessMode, credential, objectStorage: { bucket: "backups" } },
  }));
  const openObjects = async ({ metadata }: { metadata: { name: string } }) => {
    const played = locations.find(({ name = "default" }) => name === metadata.name) ?? {};
    if (played.hangs === true) return await new Promise(() => undefined);
    const store = stores.get(metadata.name);
    const storage = new Proxy(store as ObjectStorage, {
      get: (target, property) => {
        if (property === "clockOffsetMs") return played.clockOffsetMs;
        const value = Reflect.get(target, property) as unknown;
        if (typeof value !== "function") return value;
        return async (...words: unknown[]) => {
          calls.push(`${String(property)} ${String(words[0] ?? "")}`.trim());
          const error = played.fails?.[property as Method];
          if (error !== undefined) throw error;
          return await value.apply(target, words);
        };
      },
    });
    return { storage, prefix: "" };
  };
  const patient = patientWith({
    client: { list: async () => ({ items, resourceVersion: "1" }) } as unknown as Patient["client"],
    access: { openObjects } as unknown as Patient["access"],
    ...change,
  });
  return { patient, calls, stores };
}

async function findingsFor(locations: readonly Played[], change: Partial<Patient> = {}): Promise<readonly Finding[]> {
  return await findingsOf(storageLocations, (await examine(locations, change)).patient);
}

test("a location is listed, written, read and cleared; nothing stays", async () => {
  const { patient, calls, stores } = await examine([{}]);
  const [finding] = await findingsOf(storageLocations, patient);
  assert.deepEqual([finding?.outcome, finding?.subject], ["ok", "default"]);
  assert.deepEqual(
    calls.map((call) => call.replace(/probe-\w+/, "probe")),
    [
      ...["listFolders", "put restic/.stowage/probe", "get restic/.stowage/probe", "delete restic/.stowage/probe"],
      ...["removeEmptyFolders restic/.stowage/", "close"],
    ],
  );
  const left = await Array.fromAsync(stores.get("default")?.list("") ?? []);
  assert.deepEqual(left, []);
});

test("a read-only location is listed and nothing else", async () => {
  const { patient, calls } = await examine([{ accessMode: "ReadOnly" }]);
  assert.match((await findingsOf(storageLocations, patient))[0]?.message ?? "", /read-only/);
  assert.deepEqual(calls, ["listFolders", "close"]);
});

test("what fails is named by its step, and the probe goes all the same", async () => {
  const { patient, stores } = await examine([{ fails: { get: denied } }]);
  const [finding] = await findingsOf(storageLocations, patient);
  assert.equal(finding?.outcome, "failed");
  assert.match(finding?.remedy ?? "", /s3:GetObject/);
  assert.deepEqual(await Array.fromAsync(stores.get("default")?.list("") ?? []), []);
  assert.match((await findingsFor([{ fails: { delete: denied } }]))[0]?.remedy ?? "", /s3:DeleteObject/);
  assert.match((await findingsFor([{ fails: { listFolders: denied } }]))[0]?.remedy ?? "", /s3:ListBucket/);
});

test("work stops only when no location can be used", async () => {
  const broken = { name: "broken", fails: { put: denied } };
  const [alone] = await findingsFor([broken]);
  assert.equal(alone?.stopsWork, true);
  const both = await findingsFor([broken, { name: "fine" }]);
  assert.deepEqual(
    both.map(({ outcome, stopsWork }) => [outcome, stopsWork]),
    [
      ["failed", undefined],
      ["ok", undefined],
    ],
  );
});

test("a location that hangs does not hide what is said of another one", async () => {
  const clock = new FakeClock();
  const { patient } = await examine([{ name: "hanging", hangs: true }, { name: "fine" }], { clock });
  const looking = findingsOf(storageLocations, patient);
  for (let second = 0; second < 21; second++) await clock.advance(1000);
  assert.deepEqual(
    (await looking).map(({ outcome, subject }) => [outcome, subject]),
    [
      ["failed", "hanging"],
      ["ok", "fine"],
    ],
  );
});

test("a store whose clock is far off says so besides", async () => {
  const findings = await findingsFor([{ clockOffsetMs: -400_000 }]);
  assert.deepEqual(
    findings.map(({ outcome }) => outcome),
    ["ok", "failed"],
  );
  assert.match(findings[1]?.message ?? "", /400 s ahead of the store's clock/);
});

test("without any location there is a warning with what to apply", async () => {
  const [finding] = await findingsFor([]);
  assert.equal(finding?.outcome, "warning");
  assert.match(finding?.message ?? "", /velero has no BackupStorageLocation/);
});

test("from outside, locations with the pod's credentials are skipped, and a store out of reach is a warning", async () => {
  const unreachable = new RepositoryError("storage-unavailable", "cannot list", { details: { errno: "ENOTFOUND" } });
  const findings = await findingsFor(
    [
      { name: "identity", credential: undefined as never, provider: "local" },
      { name: "inside", fails: { listFolders: unreachable } },
      { name: "wrong", fails: { listFolders: denied } },
    ],
    { place: "outside" },
  );
  assert.deepEqual(
    findings.map(({ outcome }) => outcome),
    ["skipped", "warning", "failed"],
  );
});
