import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BackupRepository, BackupRepositoryStatus } from "../../../../../src/api/backup-repository.ts";
import type { BackupStorageLocation } from "../../../../../src/api/backup-storage-location.ts";
import { backupRepositories } from "../../../../../src/api/resources.ts";
import {
  type EnsuredRepository,
  repositoryEnsurer,
} from "../../../../../src/server/backup-repository/ensure-repository.ts";
import { FakeClock } from "../../../../support/fake-clock.ts";
import { ObjectTable } from "../../../../support/object-table.ts";

const namespace = "velero";
const { signal } = new AbortController();
const startMs = Date.UTC(2026, 0, 1);

function locationOf(name: string): BackupStorageLocation {
  return { metadata: { name, namespace }, spec: { provider: "aws", objectStorage: { bucket: "b" } } };
}

class Rig {
  readonly table = new ObjectTable();
  readonly clock = new FakeClock(startMs);
  readonly #ensure = repositoryEnsurer({
    client: this.table.client,
    namespace,
    clock: this.clock,
    resourceTimeoutMs: 60_000,
    maintenanceFrequencyMs: 3_600_000,
  });

  ensure(volumeNamespace = "shop", location = "default"): Promise<EnsuredRepository> {
    return this.#ensure({ volumeNamespace, location: locationOf(location), waitingSinceMs: startMs }, signal);
  }

  list(): BackupRepository[] {
    return this.table.list<BackupRepository>(backupRepositories);
  }

  setStatus(status: BackupRepositoryStatus, resticIdentifier = "s3:x"): void {
    const [one] = this.list();
    this.table.put(backupRepositories, { ...one, spec: { ...one?.spec, resticIdentifier }, status });
  }
}

describe("repositoryEnsurer", () => {
  it("makes the BackupRepository once, under Velero's name and labels, and waits for it", async () => {
    const rig = new Rig();
    assert.equal(await rig.ensure(), "wait");
    assert.equal(await rig.ensure(), "wait");
    assert.equal(rig.list().length, 1);
    const { metadata, spec } = rig.list()[0] as BackupRepository;
    assert.equal(metadata.name, "shop-default-restic");
    assert.deepEqual(metadata.labels, {
      "velero.io/volume-namespace": "shop",
      "velero.io/storage-location": "default",
      "velero.io/repository-type": "restic",
    });
    assert.deepEqual(spec, {
      volumeNamespace: "shop",
      backupStorageLocation: "default",
      repositoryType: "restic",
      maintenanceFrequency: "1h0m0s",
      resticIdentifier: "",
    });
  });

  it("gives the identifier of one that is Ready, and the reason of one that is not", async () => {
    const rig = new Rig();
    await rig.ensure();
    rig.setStatus({ phase: "Ready" });
    assert.deepEqual(await rig.ensure(), { identifier: "s3:x" });
    rig.setStatus({ phase: "NotReady", message: "wrong password" });
    assert.deepEqual(await rig.ensure(), {
      error: "BackupRepository shop-default-restic is not ready: wrong password",
    });
    rig.setStatus({ phase: "NotReady" });
    assert.match(((await rig.ensure()) as { error: string }).error, /no reason is given/);
  });

  it("gives up on one that nobody makes ready, counted from when somebody could", async () => {
    const rig = new Rig();
    await rig.ensure();
    const [one] = rig.list();
    const metadata = { ...one?.metadata, creationTimestamp: "2025-06-01T00:00:00Z" };
    rig.table.put(backupRepositories, { ...one, metadata });
    assert.equal(await rig.ensure(), "wait", "an old one waits as long as a new one");
    await rig.clock.advance(60_000);
    assert.deepEqual(await rig.ensure(), { error: "BackupRepository shop-default-restic is not ready after 1m0s" });
  });

  it("refuses to choose between several", async () => {
    const rig = new Rig();
    await rig.ensure();
    const [one] = rig.list();
    rig.table.put(backupRepositories, { ...one, metadata: { ...one?.metadata, name: "another" } });
    assert.match(((await rig.ensure()) as { error: string }).error, /several.*another.*delete all but one/);
  });

  it("takes another name, always the same, where Velero's name is taken by another namespace's repository", async () => {
    const rig = new Rig();
    await rig.ensure("a-b", "c");
    assert.equal(await rig.ensure("a", "b-c"), "wait");
    assert.equal(await rig.ensure("a", "b-c"), "wait");
    const names = rig.list().map(({ metadata }) => metadata.name);
    assert.equal(names.length, 2);
    assert.match(names[1] ?? "", /^a-b-c-restic-[0-9a-f]{10}$/);
  });

  it("shortens a name that is too long, and labels as Velero does", async () => {
    const rig = new Rig();
    const location = "l".repeat(250);
    await rig.ensure("n".repeat(63), location);
    await rig.ensure("n".repeat(63), location);
    assert.equal(rig.list().length, 1);
    const { metadata, spec } = rig.list()[0] as BackupRepository;
    assert.ok(metadata.name.length <= 253);
    assert.equal(metadata.labels?.["velero.io/storage-location"]?.length, 63);
    assert.equal(spec.backupStorageLocation, location);
  });
});
