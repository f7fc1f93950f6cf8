import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { backupRepositories, secrets } from "../../../../../src/api/resources.ts";
import { KubeError } from "../../../../../src/kube/kube-errors.ts";
import { ensureRepositoryPassword } from "../../../../../src/server/backup-repository/repository-password.ts";
import { ObjectTable } from "../../../../support/object-table.ts";

const namespace = "velero";
const address = { namespace, name: "velero-repo-credentials" };
const { signal } = new AbortController();

function passwordIn(table: ObjectTable): string {
  const { data } = table.must<{ data: Record<string, string> }>(secrets, address);
  return Buffer.from(data["repository-password"] ?? "", "base64").toString();
}

describe("ensureRepositoryPassword", () => {
  it("makes a Secret with a random value of 32 bytes, and another value each time", async () => {
    const tables = [new ObjectTable(), new ObjectTable()];
    for (const table of tables) assert.equal(await ensureRepositoryPassword(table.client, namespace, signal), "made");
    const [first, second] = tables.map(passwordIn);
    assert.equal(Buffer.from(first ?? "", "base64url").length, 32);
    assert.notEqual(first, second);
  });

  it("never changes one that is there, whatever is in it", async () => {
    const table = new ObjectTable();
    table.put(secrets, { metadata: address, data: {} });
    assert.equal(await ensureRepositoryPassword(table.client, namespace, signal), "present");
    assert.deepEqual(table.writes, []);
  });

  it("does not make a new one while repositories exist that another password opens", async () => {
    const table = new ObjectTable();
    const repository = { metadata: { name: "r", namespace }, spec: {} };
    table.put(backupRepositories, { ...repository, status: { lastMaintenanceTime: "2026-01-01T00:00:00Z" } });
    assert.equal(await ensureRepositoryPassword(table.client, namespace, signal), "refused");
    table.put(backupRepositories, { ...repository, status: { phase: "NotReady" } });
    assert.equal(await ensureRepositoryPassword(table.client, namespace, signal), "made", "none was ever opened");
  });

  it("takes the one that somebody else made at the same moment", async () => {
    const table = new ObjectTable();
    table.beforeWrite = () => {
      throw new KubeError("already-exists", "somebody was faster");
    };
    assert.equal(await ensureRepositoryPassword(table.client, namespace, signal), "present");
  });
});
