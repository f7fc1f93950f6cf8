// The rolling verification on the real control plane, with repositories that stock restic has filled: all is read within the
// period, damage is found and named, and a repair is noticed.
import assert from "node:assert/strict";
import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { BackupRepository } from "../../src/api/backup-repository.ts";
import type { Condition } from "../../src/api/conditions.ts";
import { eventually, type RunningProcess } from "../support/processes.ts";
import { resticMust } from "../support/restic.ts";
import { type ServerRig, startServerRig } from "../support/server-rig.ts";

let rig: ServerRig;
let server: RunningProcess;

before(async () => {
  rig = await startServerRig();
  await rig.makeLocation("main");
  // A part every fifth of a second.
  server = await rig.startServer("--repository-verification-period", "6s");
});

after(() => rig.stop());

const folderOf = (namespace: string): string => join(rig.folder, "main", "bucket", "restic", namespace);

async function restic(namespace: string, ...args: string[]): Promise<string> {
  const path = "/api/v1/namespaces/velero/secrets/velero-repo-credentials";
  const secret = (await rig.controlPlane.must("GET", path)) as { data: Record<string, string> };
  const password = Buffer.from(secret.data["repository-password"] ?? "", "base64").toString();
  return (await resticMust(args, { repository: folderOf(namespace), password })).stdout;
}

const verified = ({ status }: BackupRepository): Condition | undefined =>
  status?.conditions?.find(({ type }) => type === "Verified");

const lastVerified = ({ metadata }: BackupRepository): string =>
  metadata.annotations?.["stowage.dev/last-verified"] ?? "";

async function becomes(name: string, reason: string): Promise<BackupRepository> {
  return await rig.when<BackupRepository>(
    "backuprepositories",
    name,
    (one) => verified(one)?.reason === reason,
    60_000,
  );
}

/** Paths of all packs. */
function packsOf(namespace: string): string[] {
  const data = join(folderOf(namespace), "data");
  const entries = readdirSync(data, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.map(({ parentPath, name }) => join(parentPath, name));
}

describe("the verification of a repository", () => {
  /** What the second backup brought. */
  let packs: readonly string[] = [];

  before(async () => {
    const spec = { volumeNamespace: "shop", backupStorageLocation: "main", maintenanceFrequency: "168h" };
    await rig.make("backuprepositories", { kind: "BackupRepository", metadata: { name: "shop" }, spec });
    await rig.when<BackupRepository>("backuprepositories", "shop", ({ status }) => status?.phase === "Ready");
    for (const name of ["one", "two"]) {
      const known = new Set(packsOf("shop"));
      const file = join(rig.folder, name);
      writeFileSync(file, name.repeat(50_000));
      await restic("shop", "backup", "--retry-lock", "10s", "--tag", `backup=${name},pod=db-0,volume=data`, file);
      packs = packsOf("shop").filter((path) => !known.has(path));
    }
  });

  it("reads everything and says so, as condition, annotation and number", async () => {
    const repository = await becomes("shop", "AllVerified");
    assert.equal(verified(repository)?.status, "True");
    assert.ok(Date.parse(lastVerified(repository)) > Date.parse(repository.metadata.creationTimestamp ?? ""));
    assert.match(
      await rig.metrics(server),
      /^stowage_repository_last_verified_timestamp_seconds{repository="shop"} \d{10}/m,
    );
  });

  it("finds damage, names the snapshot that suffers, and notices the repair", async () => {
    const whole = packs.map((path) => readFileSync(path));
    assert.ok(whole.length > 0);
    for (const [index, path] of packs.entries()) {
      const bytes = Buffer.from(whole[index] ?? "");
      bytes[40] = (bytes[40] ?? 0) ^ 1;
      chmodSync(path, 0o600);
      writeFileSync(path, bytes);
    }
    const damaged = verified(await becomes("shop", "Damaged"));
    assert.equal(damaged?.status, "False");
    assert.match(damaged?.message ?? "", /cannot be restored whole: [0-9a-f]{8} \(backup two, pod db-0, volume data\)/);
    assert.doesNotMatch(damaged?.message ?? "", /backup one/);
    const told = async (): Promise<boolean> =>
      (await rig.eventsOf("shop")).some((event) => event.startsWith("Warning RepositoryDamaged: "));
    await eventually("an event tells of it", told);
    const { status } = await rig.get<BackupRepository>("backuprepositories", "shop");
    assert.equal(status?.phase, "Ready", "what is sound can be used");
    for (const [index, path] of packs.entries()) writeFileSync(path, whole[index] ?? "");
    const repaired = await becomes("shop", "AllVerified");
    assert.equal(verified(repaired)?.status, "True");
    await restic("shop", "check", "--read-data", "--retry-lock", "10s");
  });
});
