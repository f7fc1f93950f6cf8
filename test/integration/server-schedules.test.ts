// Schedules on the real control plane: Backups are made on time and once, never two at a time, and what the API server would
// not take is told at once. The test plays the agents.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Backup } from "../../src/api/backup.ts";
import type { Schedule } from "../../src/api/schedule.ts";
import { eventually, type RunningProcess } from "../support/processes.ts";
import { type ServerRig, startServerRig } from "../support/server-rig.ts";

let rig: ServerRig;
let server: RunningProcess;

before(async () => {
  rig = await startServerRig();
  await rig.makeLocation("default", { default: true });
  await rig.makeNamespace("empty");
  server = await rig.startServer();
});

after(() => rig.stop());

async function makeSchedule(name: string, spec: Partial<Schedule["spec"]>, metadata: object = {}): Promise<Schedule> {
  const template = { includedNamespaces: ["empty"] };
  const object = { kind: "Schedule", metadata: { name, ...metadata }, spec: { template, ...spec } };
  return (await rig.make("schedules", object)) as Schedule;
}

const backupsOf = (schedule: string): Promise<Backup[]> =>
  rig.list<Backup>("backups", `velero.io/schedule-name=${schedule}`);

async function hasMade(schedule: string, count: number): Promise<Backup[]> {
  let made: Backup[] = [];
  await eventually(`${schedule} has made ${count} backups`, async () => {
    made = await backupsOf(schedule);
    return made.length >= count;
  });
  return made;
}

const isEnabled = ({ status }: Schedule): boolean => status?.phase === "Enabled";

describe("a Schedule", () => {
  it("makes Backups again and again, which are carried out", async () => {
    const annotations = { "example.com/note": "kept" };
    const schedule = await makeSchedule(
      "often",
      { schedule: "@every 2s", useOwnerReferencesInBackup: true },
      { labels: { team: "a" }, annotations },
    );
    const [first] = await hasMade("often", 2);
    await rig.patch("schedules", "often", { spec: { paused: true } });
    const { name = "", labels, annotations: notes, ownerReferences } = first?.metadata ?? {};
    assert.match(name, /^often-\d{14}$/);
    assert.equal(labels?.team, "a");
    assert.equal(notes?.["example.com/note"], "kept");
    assert.deepEqual(
      ownerReferences?.map(({ kind, uid }) => [kind, uid]),
      [["Schedule", schedule.metadata.uid]],
    );
    assert.equal((await rig.backupEnd(name)).status?.phase, "Completed");
    const { status } = await rig.get<Schedule>("schedules", "often");
    assert.equal(status?.phase, "Enabled");
    assert.ok(Date.parse(status?.lastBackup ?? "") > 0);
    const accepted = status?.conditions?.find(({ type }) => type === "Accepted");
    assert.deepEqual([accepted?.status, accepted?.reason], ["True", "Valid"]);
    assert.match(await rig.metrics(server), /^stowage_schedule_backups_total{schedule="often"} [2-9]/m);
  });

  it("waits until its last Backup has ended, and goes on at once then", async () => {
    await rig.makeAgentPod("node-1");
    await rig.makePod({ namespace: "held", name: "web", annotations: { "backup.velero.io/backup-volumes": "data" } });
    await makeSchedule("slow", { schedule: "@every 1s", template: { includedNamespaces: ["held"] } });
    const [first] = await hasMade("slow", 1);
    const held = first?.metadata.name ?? "";
    await rig.backupPlanned(held);
    const waits = (): boolean => server.output().includes("is due and waits for its last backup to end");
    await eventually("it is due again", waits);
    assert.equal((await backupsOf("slow")).length, 1);
    await rig.settle(held);
    await rig.backupEnd(held);
    await hasMade("slow", 2);
    await rig.patch("schedules", "slow", { spec: { paused: true } });
  });

  it("makes one Backup for what was missed while no server ran", async () => {
    await makeSchedule("missed", { schedule: "0 0 1 1 *" });
    await rig.when<Schedule>("schedules", "missed", isEnabled);
    await server.stop();
    await rig.patch("schedules", "missed", { status: { lastBackup: "2020-01-01T00:00:00Z" } });
    server = await rig.startServer();
    const [made] = await hasMade("missed", 1);
    assert.equal(made?.metadata.annotations?.["stowage.dev/scheduled-for"], "2021-01-01T00:00:00Z");
    await rig.when<Schedule>("schedules", "missed", ({ status }) => status?.lastBackup !== "2020-01-01T00:00:00Z");
    assert.equal((await backupsOf("missed")).length, 1);
  });

  it("makes none of it where it skips what is due", async () => {
    await makeSchedule("skipping", { schedule: "0 0 1 1 *", paused: true, skipImmediately: true });
    await rig.patch("schedules", "skipping", {
      spec: { paused: false },
      status: { lastBackup: "2020-01-01T00:00:00Z" },
    });
    const { status, spec } = await rig.when<Schedule>("schedules", "skipping", (one) =>
      Boolean(one.status?.lastSkipped),
    );
    assert.equal(spec.skipImmediately, false);
    assert.ok(Date.parse(status?.lastSkipped ?? "") > Date.parse("2026-01-01T00:00:00Z"));
    // Another one that is looked at later has made its Backup by then.
    await rig.patch("schedules", "missed", { status: { lastBackup: "2022-01-01T00:00:00Z" } });
    await hasMade("missed", 2);
    assert.deepEqual(await backupsOf("skipping"), []);
  });
});

describe("a Schedule that cannot be carried out", () => {
  it("says why", async () => {
    await makeSchedule("wrong", { schedule: "CRON_TZ=Europe/Atlantis 0 25 * * *" });
    const { status } = await rig.when<Schedule>("schedules", "wrong", (one) => (one.status?.phase ?? "") !== "");
    assert.equal(status?.phase, "FailedValidation");
    assert.match(status?.validationErrors?.[0] ?? "", /"Europe\/Atlantis" is no time zone/);
  });

  it("says so at once when the API server would refuse its Backups, and is Enabled once that was corrected", async () => {
    const labels = { "not a label": "x" };
    const template = { includedNamespaces: ["empty"], metadata: { labels } };
    await makeSchedule("refused", { schedule: "0 0 1 1 *", template });
    const refused = await rig.when<Schedule>("schedules", "refused", (one) => (one.status?.phase ?? "") !== "");
    assert.equal(refused.status?.phase, "FailedValidation");
    assert.match(refused.status?.validationErrors?.[0] ?? "", /its Backups would be refused: .*not a label/);
    await rig.patch("schedules", "refused", { spec: { template: { metadata: { labels: { "not a label": null } } } } });
    const { status } = await rig.when<Schedule>("schedules", "refused", isEnabled);
    assert.equal(status?.validationErrors, undefined);
    assert.deepEqual(await backupsOf("refused"), [], "to ask makes none");
  });
});
