// `stowage backup | restore | schedule | backup-location` on a real control plane. Nobody carries out what is asked for: the
// tests write what the server would.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Backup } from "../../src/api/backup.ts";
import type { BackupStorageLocation } from "../../src/api/backup-storage-location.ts";
import type { DeleteBackupRequest } from "../../src/api/requests.ts";
import type { Restore } from "../../src/api/restore.ts";
import type { Schedule } from "../../src/api/schedule.ts";
import { type Clock, systemClock } from "../../src/platform/clock.ts";
import { type ClusterCommand, type InProcessResult, runOnCluster } from "../support/in-process-cli.ts";
import { eventually, runProcess } from "../support/processes.ts";
import { type ServerRig, startServerRig, type VeleroPlural } from "../support/server-rig.ts";

let rig: ServerRig;

before(async () => {
  rig = await startServerRig();
});
after(() => rig.stop());

type Result = InProcessResult & { readonly questions: readonly string[] };

function run(words: readonly string[], options: ClusterCommand = {}): Promise<Result> {
  return runOnCluster(words, { kubeconfig: rig.controlPlane.adminKubeconfig, ...options });
}

async function must(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(words);
  assert.equal(code, 0, stderr);
  return stdout;
}

/** The words of standard error of a command that ends with this code. */
async function refused(code: number, ...words: string[]): Promise<string> {
  const result = await run(words);
  assert.equal(result.code, code, result.stderr);
  return result.stderr;
}

async function isThere(plural: VeleroPlural, name: string): Promise<boolean> {
  return (await rig.controlPlane.call("GET", `/apis/velero.io/v1/namespaces/velero/${plural}/${name}`)).status === 200;
}

describe("backup create", () => {
  it("makes the Backup and says how to go on", async () => {
    const said = await must("backup", "create", "made-1", "--include-namespaces", "shop", "--ttl", "24h", "-l", "a=b");
    assert.equal(said, "Backup made-1 is submitted.\nHow far it is: stowage backup describe made-1\n");
    const { spec } = await rig.get<Backup>("backups", "made-1");
    assert.deepEqual(spec.includedNamespaces, ["shop"]);
    assert.deepEqual(spec.labelSelector, { matchLabels: { a: "b" } });
  });

  it("says what to do when the name is taken, the location unknown, or the API server refuses", async () => {
    assert.match(
      await refused(1, "backup", "create", "made-1"),
      /"made-1" already exists\n {2}next: choose another name/,
    );
    const lost = await refused(1, "backup", "create", "x", "--storage-location", "nowhere");
    assert.match(lost, /no storage location "nowhere" in namespace velero\n {2}next: stowage backup-location get/);
    assert.equal(await isThere("backups", "x"), false);
    assert.match(await refused(1, "backup", "create", "Not_A_Name"), /Invalid value.*\n {2}next: correct/);
    assert.match(await refused(1, "backup", "create", "x", "-n", "nowhere"), /namespaces "nowhere" not found/);
  });

  it("makes what the server would make of a Schedule, under its name and the time", async () => {
    await rig.make("schedules", {
      kind: "Schedule",
      metadata: {
        name: "nightly",
        labels: { team: "web" },
        annotations: { note: "n", "stowage.dev/start-jitter": "1h" },
      },
      spec: { schedule: "0 3 * * *", template: { includedNamespaces: ["shop"] }, useOwnerReferencesInBackup: true },
    });
    const said = await must("backup", "create", "--from-schedule", "nightly", "--labels", "more=1");
    const [, name = ""] = /Backup (nightly-\d{14}) is submitted/.exec(said) ?? [];
    const { metadata, spec } = await rig.get<Backup>("backups", name);
    assert.deepEqual(metadata.labels, { team: "web", more: "1", "velero.io/schedule-name": "nightly" });
    assert.deepEqual(metadata.annotations, { note: "n" });
    assert.equal(metadata.ownerReferences?.[0]?.uid, (await rig.get<Schedule>("schedules", "nightly")).metadata.uid);
    assert.deepEqual(spec.includedNamespaces, ["shop"]);
    assert.match(
      await refused(1, "backup", "create", "--from-schedule", "none"),
      /no schedule "none" in namespace velero/,
    );
  });
});

/** Starts the command, and calls `act` once the Backup is there. */
async function waiting(name: string, act: () => Promise<void>, options: ClusterCommand = {}): Promise<Result> {
  const ended = run(["backup", "create", name, "--wait"], options);
  await rig.when<Backup>("backups", name, () => true);
  await act();
  return await ended;
}

describe("backup create --wait", () => {
  const volume = (name: string, backup: string, status: object): object => ({
    kind: "PodVolumeBackup",
    metadata: { name, labels: { "velero.io/backup-name": backup } },
    spec: {
      ...{ node: "n", pod: { namespace: "shop", name: "db-0" }, volume: "data" },
      ...{ backupStorageLocation: "default", repoIdentifier: "" },
    },
    status,
  });

  it("shows each phase with items and volumes, and ends with 0 when it is Completed", async () => {
    let text = "";
    const seen = (pattern: RegExp): Promise<void> => eventually(String(pattern), () => pattern.test(text));
    const { code, stdout, stderr } = await waiting(
      "wait-1",
      async () => {
        const progress = { totalBytes: 2048, bytesDone: 1024 };
        await rig.make("podvolumebackups", volume("wait-1-a", "wait-1", { phase: "InProgress", progress }));
        await rig.patch("backups", "wait-1", {
          status: { phase: "InProgress", progress: { totalItems: 9, itemsBackedUp: 4 } },
        });
        await seen(/InProgress {2}4 \/ 9 items/);
        await rig.patch("backups", "wait-1", { status: { phase: "Finalizing" } });
        await seen(/Finalizing {2}4 \/ 9 items {2}0 \/ 1 volumes {2}1\.000 KiB \/ 2\.000 KiB/);
        await rig.patch("backups", "wait-1", { status: { phase: "Completed", warnings: 2 } });
      },
      {
        onText: (piece) => {
          text += piece;
        },
      },
    );
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, /The backup wait-1 is Completed \(2 warnings\)\.\n$/);
  });

  it("replaces its lines on a terminal, and leaves only how it ended", async () => {
    let text = "";
    const { code } = await waiting(
      "wait-8",
      async () => {
        await rig.make("podvolumebackups", volume("wait-8-a", "wait-8", { phase: "InProgress" }));
        await rig.patch("backups", "wait-8", { status: { phase: "InProgress" } });
        await eventually("two lines", () => /InProgress {2}0 \/ 1 volumes\n {2}shop\/db-0 {2}data\n/.test(text));
        await rig.patch("backups", "wait-8", { status: { phase: "Completed" } });
      },
      {
        isTerminal: true,
        onText: (piece) => {
          text += piece;
        },
      },
    );
    assert.equal(code, 0);
    // The lines go before the last word comes.
    assert.match(text.replaceAll("\u001b", "<esc>"), /<esc>\[\dA<esc>\[JThe backup wait-8 is Completed\.\n$/);
  });

  it("ends with 3 for PartiallyFailed and 1 for what failed, with the reason and the next step", async () => {
    const partial = await waiting("wait-2", () =>
      rig.patch("backups", "wait-2", {
        status: { phase: "PartiallyFailed", errors: 1, failureReason: "disk on fire" },
      }),
    );
    assert.equal(partial.code, 3);
    assert.match(
      partial.stderr,
      /wait-2 is PartiallyFailed \(1 error\): disk on fire\n {2}next: stowage backup logs wait-2/,
    );
    const failed = await waiting("wait-3", () => rig.patch("backups", "wait-3", { status: { phase: "Failed" } }));
    assert.equal(failed.code, 1);
    const invalid = await waiting("wait-4", () =>
      rig.patch("backups", "wait-4", { status: { phase: "FailedValidation", validationErrors: ["no such location"] } }),
    );
    assert.equal(invalid.code, 1);
    assert.match(invalid.stderr, /FailedValidation: no such location\n {2}next: stowage backup describe wait-4/);
  });

  it("ends with 1 when the Backup is deleted meanwhile", async () => {
    const { code, stderr } = await waiting("wait-5", () => rig.delete("backups", "wait-5"));
    assert.equal(code, 1);
    assert.match(stderr, /the backup wait-5 was deleted before it ended/);
  });

  it("says after half a minute that nobody has begun", async () => {
    const clock: Clock = { ...systemClock, after: (ms, callback) => systemClock.after(ms / 300, callback) };
    let text = "";
    const { code } = await waiting(
      "wait-9",
      async () => {
        await eventually("a hint", () => /wait-9 is still New: the server is busy .* or does not run/.test(text));
        await rig.patch("backups", "wait-9", { status: { phase: "Completed" } });
      },
      {
        clock,
        onText: (piece) => {
          text += piece;
        },
      },
    );
    assert.equal(code, 0);
  });

  it("stops waiting when it is interrupted, and says that the Backup goes on", async () => {
    let interrupt = (): void => undefined;
    const { code, stderr } = await waiting("wait-6", async () => interrupt(), {
      onStart: (start) => {
        interrupt = start;
      },
    });
    assert.equal(code, 130);
    assert.match(stderr, /interrupted\n {2}the backup goes on without this command; stowage backup describe wait-6/);
    assert.equal(await isThere("backups", "wait-6"), true);
  });
});

describe("backup get", () => {
  before(async () => {
    const status = { phase: "Completed", startTimestamp: "2026-03-31T12:00:00Z", expiration: "2126-03-31T12:00:00Z" };
    const spec = { storageLocation: "minio", labelSelector: { matchLabels: { app: "web" } } };
    const labels = { set: "get", tier: "a" };
    for (const name of ["get-b", "series-20260101000000", "series-20260102000000", "get-a"]) {
      await rig.makeBackup(name, { labels, spec, status });
    }
  });

  it("lists them by name, those of a series the newest first, with velero's columns", async () => {
    const lines = (await must("backup", "get", "-l", "set=get")).trimEnd().split("\n");
    assert.match(lines[0] ?? "", /^NAME +STATUS +ERRORS +WARNINGS +CREATED +EXPIRES +STORAGE LOCATION +SELECTOR$/);
    const names = lines.slice(1).map((line) => line.split(" ")[0]);
    assert.deepEqual(names, ["get-a", "get-b", "series-20260102000000", "series-20260101000000"]);
    assert.match(lines[1] ?? "", /^get-a +Completed +0 +0 +2026-03-31 .* +\d+y +minio +app=web$/);
  });

  it("shows labels as columns, more columns with wide, and names alone", async () => {
    const table = await must("backup", "get", "get-a", "-L", "tier", "--show-labels", "-o", "wide");
    assert.match(table, /SELECTOR +ITEMS +TOOK +REASON +TIER +LABELS\n/);
    assert.match(table, / a +set=get,tier=a\n$/);
    assert.equal(await must("backup", "get", "get-b", "get-a", "-o", "name"), "get-b\nget-a\n");
  });

  it("prints one as itself and several as a list, complete enough for kubectl apply", async () => {
    const one = JSON.parse(await must("backup", "get", "get-a", "-o", "json")) as Backup & { metadata: object };
    assert.deepEqual([one.apiVersion, one.kind, one.metadata.name], ["velero.io/v1", "Backup", "get-a"]);
    assert.equal("managedFields" in one.metadata, false);
    const all = JSON.parse(await must("backup", "get", "-l", "set=get", "-o", "json")) as {
      kind: string;
      items: Backup[];
    };
    assert.deepEqual([all.kind, all.items.length, all.items[0]?.kind], ["BackupList", 4, "Backup"]);
    const yaml = await must("backup", "get", "get-a", "-o", "yaml");
    const { code, stderr } = await rig.controlPlane.kubectl(["apply", "--dry-run=server", "-f", "-"], yaml);
    assert.equal(code, 0, stderr);
  });

  it("says on standard error that there is nothing, and fails for a name that is not there", async () => {
    const none = await run(["backup", "get", "-l", "no=thing"]);
    assert.deepEqual([none.code, none.stdout, none.stderr], [0, "", "no backups found in namespace velero\n"]);
    assert.match(
      await refused(1, "backup", "get", "get-a", "missing"),
      /no backup "missing" in namespace velero\n {2}next: /,
    );
  });
});

describe("backup delete", () => {
  const requests = (name: string): Promise<DeleteBackupRequest[]> =>
    rig.list<DeleteBackupRequest>("deletebackuprequests", `velero.io/backup-name=${name}`);

  it("asks first, and without a yes asks the server for nothing", async () => {
    await rig.makeBackup("del-1");
    for (const answer of ["n", "", undefined]) {
      const result = await run(["backup", "delete", "del-1"], answer === undefined ? {} : { answer });
      assert.equal(result.code, 1);
      assert.match(result.questions[0] ?? "", /Delete the backup: del-1\n.*snapshots.*\nSure\? \(y\/N\) $/);
      assert.match(result.stderr, /nothing was deleted\n {2}next: .*--confirm/);
    }
    assert.deepEqual(await requests("del-1"), []);
    assert.equal((await run(["backup", "delete", "del-1"], { answer: "Y" })).code, 0);
    assert.equal((await requests("del-1")).length, 1);
  });

  it("reads the answer from standard input, as a program of its own", async () => {
    await rig.makeBackup("del-0");
    const main = join(import.meta.dirname, "..", "..", "src", "main.ts");
    const args = [main, "backup", "delete", "del-0", "--kubeconfig", rig.controlPlane.adminKubeconfig];
    const silent = await runProcess(process.execPath, { args });
    assert.equal(silent.code, 1);
    assert.match(silent.stderr, /Sure\? \(y\/N\) .*nobody agreed to the deletion/s);
    assert.equal((await runProcess(process.execPath, { args, input: "n\n" })).code, 1);
    assert.deepEqual(await requests("del-0"), []);
    const agreed = await runProcess(process.execPath, { args, input: "y\n" });
    assert.deepEqual([agreed.code, (await requests("del-0")).length], [0, 1], agreed.stderr);
  });

  it("makes a request that names the Backup by name and uid, for each that is selected", async () => {
    for (const name of ["del-2", "del-3"]) await rig.makeBackup(name, { labels: { group: "del" } });
    const { code, questions } = await run(["backup", "delete", "-l", "group=del", "--confirm"]);
    assert.deepEqual([code, questions], [0, []]);
    for (const name of ["del-2", "del-3"]) {
      const [request] = await requests(name);
      const { uid } = (await rig.get<Backup>("backups", name)).metadata;
      assert.equal(request?.spec.backupName, name);
      assert.equal(request?.metadata.labels?.["velero.io/backup-uid"], uid);
    }
  });

  /** Starts `delete --wait` and answers its request. */
  async function answered(name: string, act: (request: string) => Promise<void>): Promise<Result> {
    await rig.makeBackup(name);
    const ended = run(["backup", "delete", name, "--confirm", "--wait"]);
    await eventually("a request", async () => (await requests(name)).length === 1);
    await act((await requests(name))[0]?.metadata.name ?? "");
    return await ended;
  }

  it("with --wait tells what the server could not remove", async () => {
    const { code, stderr } = await answered("del-4", (request) =>
      rig.patch("deletebackuprequests", request, {
        status: { phase: "Processed", errors: ["the store is read-only"] },
      }),
    );
    assert.equal(code, 1);
    assert.match(
      stderr,
      /backup del-4 is not removed: the store is read-only\n {2}next: .*stowage backup delete del-4/,
    );
  });

  it("with --wait says what the deletion waits for, and follows the request that the server has kept", async () => {
    await rig.makeBackup("del-7");
    let text = "";
    const ended = run(["backup", "delete", "del-7", "--confirm", "--wait"], {
      onText: (piece) => {
        text += piece;
      },
    });
    await eventually("a request", async () => (await requests("del-7")).length === 1);
    const [mine] = await requests("del-7");
    const other = { kind: "DeleteBackupRequest", metadata: { name: "kept", labels: mine?.metadata.labels } };
    await rig.make("deletebackuprequests", { ...other, spec: { backupName: "del-7" } });
    await rig.delete("deletebackuprequests", mine?.metadata.name ?? "");
    await rig.patch("deletebackuprequests", "kept", {
      metadata: { annotations: { "stowage.dev/waiting-for": "20 Backups were deleted within an hour" } },
    });
    await eventually("a reason", () =>
      /deletion of backup del-7 waits: 20 Backups were deleted within an hour\n/.test(text),
    );
    await rig.delete("backups", "del-7");
    await rig.delete("deletebackuprequests", "kept");
    assert.equal((await ended).code, 0);
  });

  it("with --wait believes that it is removed only when it is gone", async () => {
    const gone = await answered("del-5", async (request) => {
      await rig.delete("backups", "del-5");
      await rig.delete("deletebackuprequests", request);
    });
    assert.deepEqual([gone.code, gone.stdout], [0, "Backup del-5 is removed.\n"]);
    const kept = await answered("del-6", (request) => rig.delete("deletebackuprequests", request));
    assert.equal(kept.code, 1);
    assert.match(kept.stderr, /backup del-6 is still there although the request is gone/);
  });
});

describe("restore", () => {
  before(async () => {
    const labels = { "velero.io/schedule-name": "weekly" };
    const status = (phase: string, day: number): object => ({ phase, startTimestamp: `2026-03-0${day}T00:00:00Z` });
    await rig.makeBackup("weekly-1", { labels, status: status("Completed", 1) });
    await rig.makeBackup("weekly-2", { labels, status: status("Completed", 2) });
    await rig.makeBackup("weekly-3", { labels, status: status("PartiallyFailed", 3) });
    await rig.makeBackup("weekly-4", { labels, status: status("Failed", 4) });
    await rig.makeBackup("bad-1", {
      labels: { "velero.io/schedule-name": "bad" },
      status: status("PartiallyFailed", 1),
    });
  });

  it("create passes every flag of velero's on", async () => {
    const words = ["restore", "create", "back-1", "--from-backup", "weekly-1", "--include-namespaces", "shop"];
    words.push("--exclude-namespaces", "tmp", "--include-resources", "pods", "--exclude-resources", "secrets");
    words.push("--include-cluster-resources=false", "-l", "a=b", "--namespace-mappings", "shop:test,db:db2");
    words.push("--existing-resource-policy", "update", "--status-include-resources", "pods", "--restore-volumes=false");
    words.push("--preserve-nodeports", "--resource-modifier-configmap", "mod", "--write-sparse-files");
    words.push("--parallel-files-download", "3", "--item-operation-timeout", "1h", "--labels", "x=y");
    assert.match(await must(...words), /^Restore back-1 from backup weekly-1 is submitted\.\n/);
    const { metadata, spec } = await rig.get<Restore>("restores", "back-1");
    assert.deepEqual(metadata.labels, { x: "y" });
    assert.deepEqual(spec, {
      backupName: "weekly-1",
      includedNamespaces: ["shop"],
      excludedNamespaces: ["tmp"],
      includedResources: ["pods"],
      excludedResources: ["secrets"],
      includeClusterResources: false,
      labelSelector: { matchLabels: { a: "b" } },
      namespaceMapping: { shop: "test", db: "db2" },
      existingResourcePolicy: "update",
      restoreStatus: { includedResources: ["pods"] },
      restorePVs: false,
      preserveNodePorts: true,
      resourceModifier: { apiGroup: "", kind: "configmap", name: "mod" },
      uploaderConfig: { writeSparseFiles: true, parallelFilesDownload: 3 },
      itemOperationTimeout: "1h",
    });
  });

  it("create names itself after its source, and leaves the newest Completed Backup of a Schedule to the server", async () => {
    const said = await must("restore", "create", "--from-schedule", "weekly");
    const [, name = ""] = /^Restore (weekly-\d{14}) from the newest backup of schedule weekly/.exec(said) ?? [];
    const { spec } = await rig.get<Restore>("restores", name);
    assert.deepEqual([spec.scheduleName, spec.backupName], ["weekly", undefined]);
  });

  it("create --allow-partially-failed takes the newest that is not worse than that", async () => {
    await must("restore", "create", "partial-1", "--from-schedule", "weekly", "--allow-partially-failed");
    const { spec } = await rig.get<Restore>("restores", "partial-1");
    assert.deepEqual([spec.backupName, spec.scheduleName], ["weekly-3", undefined]);
  });

  it("create refuses what cannot be restored from, and says what can", async () => {
    assert.match(
      await refused(1, "restore", "create", "--from-backup", "nope"),
      /no backup "nope".*\n {2}next: stowage backup get/,
    );
    assert.match(
      await refused(1, "restore", "create", "--from-schedule", "bad"),
      /"bad" has no backup that is Completed\n {2}next: .*--allow-partially-failed/,
    );
    assert.match(
      await refused(1, "restore", "create", "--from-schedule", "nope"),
      /has no backup.*\n {2}next: stowage backup get/,
    );
  });

  it("create --wait counts the volumes of PodVolumeRestores", async () => {
    let text = "";
    const ended = run(["restore", "create", "wait-r", "--from-backup", "weekly-1", "--wait"], {
      onText: (piece) => {
        text += piece;
      },
    });
    await rig.when<Restore>("restores", "wait-r", () => true);
    await rig.make("podvolumerestores", {
      kind: "PodVolumeRestore",
      metadata: { name: "wait-r-a", labels: { "velero.io/restore-name": "wait-r" } },
      spec: {
        ...{ pod: { namespace: "shop", name: "db-0" }, volume: "data", snapshotID: "1", sourceNamespace: "shop" },
        ...{ backupStorageLocation: "default", repoIdentifier: "" },
      },
      status: { phase: "Completed" },
    });
    await rig.patch("restores", "wait-r", {
      status: { phase: "InProgress", progress: { totalItems: 3, itemsRestored: 1 } },
    });
    await eventually("InProgress", () => /InProgress {2}1 \/ 3 items/.test(text));
    await rig.patch("restores", "wait-r", { status: { phase: "Completed" } });
    const { code, stdout } = await ended;
    assert.equal(code, 0);
    assert.match(stdout, /The restore wait-r is Completed\.\n$/);
  });

  it("get has velero's columns, and delete takes the Restore away", async () => {
    const [head] = (await must("restore", "get")).split("\n");
    assert.match(head ?? "", /^NAME +BACKUP +STATUS +STARTED +COMPLETED +ERRORS +WARNINGS +CREATED +SELECTOR$/);
    await must("restore", "delete", "back-1", "--confirm");
    assert.equal(await isThere("restores", "back-1"), false);
  });
});

describe("schedule", () => {
  it("create, pause, unpause and delete change what they say and nothing else", async () => {
    await must(
      "schedule",
      "create",
      "six",
      "--schedule",
      "@every 6h",
      "--include-namespaces",
      "shop",
      "--skip-immediately",
    );
    const specOf = async (): Promise<Schedule["spec"]> => (await rig.get<Schedule>("schedules", "six")).spec;
    assert.equal(await must("schedule", "pause", "six"), "Schedule six is paused.\n");
    assert.deepEqual([(await specOf()).paused, (await specOf()).skipImmediately], [true, true]);
    assert.equal(await must("schedule", "pause", "six"), "Schedule six is paused already.\n");
    await must("schedule", "unpause", "six");
    assert.deepEqual([(await specOf()).paused, (await specOf()).skipImmediately], [false, true]);
    await must("schedule", "unpause", "--all", "--skip-immediately=false");
    assert.equal((await specOf()).skipImmediately, false);
    const table = await must("schedule", "get", "six");
    assert.match(table, /^NAME +STATUS +CREATED +SCHEDULE +BACKUP TTL +LAST BACKUP +SELECTOR +PAUSED\n/);
    assert.match(table, /\nsix +New +.* @every 6h +0s +n\/a +<none> +false\n$/);
    assert.match(
      await must("schedule", "describe", "six"),
      /Schedule: +@every 6h\nLast Backup: +<never>\n\nBackup Template:/,
    );
    await must("schedule", "delete", "six", "--confirm");
    assert.equal(await isThere("schedules", "six"), false);
  });
});

describe("backup-location", () => {
  const create = (name: string, ...more: string[]): Promise<string> =>
    must("backup-location", "create", name, "--provider", "aws", "--bucket", "b", ...more);
  const specOf = async (name: string): Promise<BackupStorageLocation["spec"]> =>
    (await rig.get<BackupStorageLocation>("backupstoragelocations", name)).spec;

  it("create --default takes the default from whoever had it, and so does set", async () => {
    await create("first", "--default", "--prefix", "p");
    assert.match(await create("second", "--default"), /location first is not the default any more/);
    assert.deepEqual([(await specOf("first")).default, (await specOf("second")).default], [false, true]);
    await must("backup-location", "set", "first", "--default");
    assert.deepEqual([(await specOf("first")).default, (await specOf("second")).default], [true, false]);
    const table = await must("backup-location", "get", "--default");
    assert.match(table, /^NAME +PROVIDER +BUCKET\/PREFIX +PHASE +LAST VALIDATED +ACCESS MODE +DEFAULT\n/);
    assert.match(table, /\nfirst +aws +b\/p +Unknown +Unknown +ReadWrite +true\n$/);
  });

  it("get -o wide says why deletions wait", async () => {
    await create("paused");
    const lastTransitionTime = "2026-03-31T12:00:00Z";
    const condition = { type: "DeletionsPaused", status: "True", reason: "TooManyDeletions", lastTransitionTime };
    const status = { phase: "Available", conditions: [{ ...condition, message: "agree with: kubectl annotate" }] };
    await rig.patch("backupstoragelocations", "paused", { status });
    assert.match(await must("backup-location", "get", "paused", "-o", "wide"), / agree with: kubectl annotate\n$/);
  });

  it("set changes what the flags name and leaves the rest alone", async () => {
    await create("changed", "--config", "region=r", "--credential", "a=b");
    await must("backup-location", "set", "changed", "--access-mode", "ReadOnly");
    const { accessMode, config, credential, objectStorage } = await specOf("changed");
    assert.deepEqual([accessMode, config], ["ReadOnly", { region: "r" }]);
    assert.deepEqual([credential, objectStorage.bucket], [{ name: "a", key: "b" }, "b"]);
    assert.match(await refused(1, "backup-location", "set", "nope", "--default"), /no backup storage location "nope"/);
  });

  it("delete forgets the Backups and repositories of that location, and of no other", async () => {
    await create("leaving");
    for (const location of ["leaving", "staying"]) {
      const labels = { "velero.io/storage-location": location };
      await rig.makeBackup(`at-${location}`, { labels });
      const spec = {
        volumeNamespace: "n",
        backupStorageLocation: location,
        maintenanceFrequency: "1h",
        resticIdentifier: "",
      };
      await rig.make("backuprepositories", {
        kind: "BackupRepository",
        metadata: { name: `at-${location}`, labels },
        spec,
      });
    }
    const { code, stdout, questions } = await run(["backup-location", "delete", "leaving"], { answer: "y" });
    assert.equal(code, 0);
    assert.match(questions[0] ?? "", /everything in the store stays/);
    assert.match(stdout, /Backup at-leaving is forgotten\.\nBackupRepository at-leaving is forgotten\.\n$/);
    for (const plural of ["backups", "backuprepositories"] as const) {
      assert.deepEqual([await isThere(plural, "at-leaving"), await isThere(plural, "at-staying")], [false, true]);
    }
  });
});

// Last: the API server needs a while until it answers everything as before.
describe("a wait", () => {
  it("survives an API server that goes away and comes back", async () => {
    const { code, stderr } = await waiting("wait-7", async () => {
      await rig.controlPlane.haltApiServer();
      await rig.controlPlane.resumeApiServer();
      await rig.patch("backups", "wait-7", { status: { phase: "Completed" } });
    });
    assert.equal(code, 0, stderr);
  });
});
