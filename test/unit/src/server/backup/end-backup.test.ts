import assert from "node:assert/strict";
import { test } from "node:test";
import type { Backup } from "../../../../../src/api/backup.ts";
import { backups } from "../../../../../src/api/resources.ts";
import { CrdLookup, InstalledCrd } from "../../../../../src/kube/crd-lookup.ts";
import { afterPatch, endPatch, patchBackup } from "../../../../../src/server/backup/end-backup.ts";
import { FakeClock } from "../../../../support/fake-clock.ts";
import { ObjectTable } from "../../../../support/object-table.ts";

const known = new InstalledCrd({ properties: { status: { properties: { conditions: {} } } } });

test("the end of a Backup has one time, in the location's file and in the cluster, however long the upload takes", async () => {
  const table = new ObjectTable();
  table.put(backups, { metadata: { name: "b", namespace: "velero" }, spec: {}, status: { phase: "InProgress" } });
  const backup = table.must<Backup>(backups, { namespace: "velero", name: "b" });
  const clock = new FakeClock(Date.UTC(2026, 0, 1));
  const crds = new CrdLookup({ client: table.client, clock });
  crds.find = async () => known;
  const context = { client: table.client, namespace: "velero", crds, clock };
  const patch = endPatch({ phase: "Completed" }, context);
  const stored = await afterPatch(backup, patch, context);
  await clock.advance(5000);
  const written = await patchBackup(backup, context, patch);
  assert.deepEqual(written.status, stored.status);
  const time = "2026-01-01T00:00:00Z";
  assert.equal(written.status?.completionTimestamp, time);
  assert.deepEqual(
    written.status?.conditions?.map(({ type, lastTransitionTime }) => [type, lastTransitionTime]),
    [["Succeeded", time]],
  );
});
