// A Backup from the Schedule that makes it to the day on which it has expired: server and agent as processes, a real S3
// server, and nothing of it left in the end.
import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Backup } from "../../src/api/backup.ts";
import { eventually } from "../support/processes.ts";
import { resticMust } from "../support/restic.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";
import { type ServerRig, startServerRig } from "../support/server-rig.ts";

let rig: ServerRig;
let s3: S3Server;

before(async () => {
  [rig, s3] = await Promise.all([startServerRig(), startS3Server({ buckets: ["backups"] })]);
  await rig.makeS3Location(s3);
  await rig.makeAgentPod("node-1");
  await rig.startServer();
  await rig.startAgent("node-1");
});

after(async () => {
  await Promise.all([rig.stop(), s3.stop()]);
});

async function snapshots(): Promise<readonly { readonly tags: readonly string[] }[]> {
  const path = "/api/v1/namespaces/velero/secrets/velero-repo-credentials";
  const secret = (await rig.controlPlane.must("GET", path)) as { data: Record<string, string> };
  const password = Buffer.from(secret.data["repository-password"] ?? "", "base64").toString();
  const repository = s3.location("backups", "restic/shop");
  const { stdout } = await resticMust(["snapshots", "--json", "--no-lock"], { repository, password, env: s3.env });
  return JSON.parse(stdout);
}

/** Names of the files that the store keeps below a folder of the bucket. */
function storedBelow(folder: string): string[] {
  const top = join(s3.dataFolder, "backups");
  const entries = readdirSync(top, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries
    .map(({ parentPath, name }) => join(parentPath, name).slice(top.length + 1))
    .filter((path) => path.startsWith(folder));
}

describe("a Backup that a Schedule makes", () => {
  it("holds the volume, and leaves nothing behind when it has expired", async () => {
    const annotations = { "backup.velero.io/backup-volumes": "data" };
    const pod = await rig.makePod({ namespace: "shop", name: "web", annotations });
    writeFileSync(join(rig.volumePath(pod, "data"), "file"), "to be kept for a while");
    const spec = { schedule: "@every 1s", template: { includedNamespaces: ["shop"], ttl: "1h0m0s" } };
    await rig.make("schedules", { kind: "Schedule", metadata: { name: "nightly" }, spec });
    const isMade = async (): Promise<boolean> => (await rig.list("backups")).length > 0;
    await eventually("the schedule has made a backup", isMade);
    await rig.patch("schedules", "nightly", { spec: { paused: true } });
    const [made, ...others] = await rig.list<Backup>("backups", "velero.io/schedule-name=nightly");
    const name = made?.metadata.name ?? "";
    assert.equal((await rig.backupEnd(name, 60_000)).status?.phase, "Completed");
    const [snapshot] = await snapshots();
    assert.ok(snapshot?.tags.includes(`backup-uid=${made?.metadata.uid}`));
    assert.ok(storedBelow(`backups/${name}/`).length > 0);
    for (const { metadata } of others) await rig.backupEnd(metadata.name, 60_000);
    for (const { metadata } of [made, ...others] as Backup[])
      await rig.patch("backups", metadata.name, { status: { expiration: "2026-01-01T00:00:00Z" } });
    await eventually("they are gone", async () => (await rig.list("backups")).length === 0, 60_000);
    assert.deepEqual(await snapshots(), []);
    assert.deepEqual(storedBelow("backups/"), []);
    for (const plural of ["podvolumebackups", "deletebackuprequests"] as const)
      await eventually(`no ${plural} are left`, async () => (await rig.list(plural)).length === 0);
    assert.ok(storedBelow("restic/shop/data/").length > 0, "the data wait for the next prune");
  });
});
