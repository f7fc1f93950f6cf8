// describe, logs and download on a real control plane, with a played server and store behind the DownloadRequests.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { parse } from "yaml";
import { type ClusterCommand, type InProcessResult, runOnCluster } from "../support/in-process-cli.ts";
import { PlayedStore } from "../support/played-store.ts";
import { eventually, runProcess } from "../support/processes.ts";
import { type ServerRig, startServerRig } from "../support/server-rig.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

let rig: ServerRig;
let store: PlayedStore;

const ended = {
  startTimestamp: "2026-03-31T12:00:00Z",
  completionTimestamp: "2026-03-31T12:05:00Z",
  progress: { totalItems: 3, itemsBackedUp: 3, itemsRestored: 3 },
};

before(async () => {
  rig = await startServerRig();
  store = new PlayedStore();
  await store.start(rig.controlPlane.adminKubeconfig);
  await rig.makeLocation("main");
  const spec = { storageLocation: "main", includedNamespaces: ["shop"] };
  await rig.makeBackup("good", { spec, status: { ...ended, phase: "Completed" } });
  await rig.makeBackup("bad", { spec, status: { ...ended, phase: "PartiallyFailed", errors: 2, warnings: 1 } });
  await rig.makeBackup("running", { spec, status: { ...ended, phase: "InProgress", completionTimestamp: null } });
  await rig.makeBackup("refused", { spec, status: { phase: "FailedValidation", validationErrors: ["no such thing"] } });
  await rig.make("restores", {
    ...{ kind: "Restore", metadata: { name: "back" } },
    spec: { backupName: "good", namespaceMapping: { shop: "test" } },
    status: { ...ended, phase: "PartiallyFailed", errors: 1 },
  });
  store.put("BackupLog", "good", "level=info msg=one\nlevel=info msg=two\n");
  store.put("RestoreLog", "back", "restored\n");
  store.put("BackupResourceList", "bad", { "v1/Pod": ["shop/db-0", "shop/web-0"], "apps/v1/Deployment": ["shop/web"] });
  store.put("BackupResults", "bad", {
    errors: { velero: ["upload failed"], namespaces: { shop: ["hook in \u001b[2Jdb-0 failed"] } },
    warnings: { cluster: ["a node is missing"] },
  });
  store.put("BackupVolumeInfos", "bad", [
    { pvcNamespace: "shop", pvcName: "data", skipped: true, skippedReason: "not mounted by a running pod" },
    { backupMethod: "PodVolumeBackup", pvbInfo: { podNamespace: "shop", podName: "db-0", volumeName: "data" } },
  ]);
  store.put("RestoreResults", "back", { errors: { namespaces: { test: ["cannot create pod db-0"] } } });
  store.put("RestoreResourceList", "back", { "v1/Pod": ["test/db-0(created)"] });
});
beforeEach(() => {
  store.isAnswering = true;
  store.showsCertificate = true;
  store.problem = undefined;
  store.delivery = "whole";
});
after(async () => {
  await store?.stop();
  await rig?.stop();
});

function run(words: readonly string[], options: ClusterCommand = {}): Promise<InProcessResult> {
  return runOnCluster(words, { kubeconfig: rig.controlPlane.adminKubeconfig, ...options });
}

async function must(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(words);
  assert.equal(code, 0, stderr);
  return stdout;
}

async function refused(code: number, ...words: string[]): Promise<string> {
  const result = await run(words);
  assert.equal(result.code, code, result.stderr);
  return result.stderr;
}

describe("logs", () => {
  it("prints the log unpacked, and leaves no request behind", async () => {
    assert.equal(await must("backup", "logs", "good"), "level=info msg=one\nlevel=info msg=two\n");
    assert.equal(await must("restore", "logs", "back"), "restored\n");
    assert.deepEqual(await rig.list("downloadrequests"), []);
  });

  it("lets nothing in a log take effect on a terminal, and changes nothing elsewhere", async () => {
    store.put("BackupLog", "good", "a\u001b[2Jb\n");
    assert.equal((await run(["backup", "logs", "good"], { isTerminal: true })).stdout, "a\\x1b[2Jb\n");
    assert.equal(await must("backup", "logs", "good"), "a\u001b[2Jb\n");
    store.put("BackupLog", "good", "level=info msg=one\nlevel=info msg=two\n");
  });

  it("says why there is no log", async () => {
    assert.match(
      await refused(1, "backup", "logs", "running"),
      /running is InProgress: its log can be read when it has ended/,
    );
    assert.match(await refused(1, "backup", "logs", "refused"), /was refused, so it has no log: no such thing/);
    assert.match(
      await refused(1, "backup", "logs", "bad"),
      /the store has no log of the backup bad\n {2}next: stowage backup describe/,
    );
    assert.match(await refused(1, "backup", "logs", "nope"), /no backup "nope"/);
  });

  it("says why the server cannot give an address, without waiting any longer", async () => {
    store.problem = "the location main is Unavailable";
    const said = await refused(1, "backup", "logs", "good");
    assert.match(
      said,
      /cannot give BackupLog of good: the location main is Unavailable\n {2}next: stowage backup-location get/,
    );
  });

  it("says what to look at when the server does not answer in time, and takes its request back", async () => {
    store.isAnswering = false;
    const said = await refused(1, "backup", "logs", "good", "--timeout", "300ms");
    assert.match(
      said,
      /has not said within 0\.3 s where BackupLog of good can be read\n {2}next: see whether it runs.*kubectl -n velero logs/,
    );
    assert.deepEqual(await rig.list("downloadrequests"), []);
  });
});

describe("the store's certificate", () => {
  it("is trusted when it comes with the address, with --cacert, with the location, or when nobody looks", async (t) => {
    store.showsCertificate = false;
    const unknown = await refused(1, "backup", "logs", "good");
    assert.match(
      unknown,
      /cannot read from 127\.0\.0\.1:\d+: .*certificate.*\n {2}next: .*--cacert FILE, or --insecure-skip-tls-verify/,
    );
    assert.doesNotMatch(unknown, /very-secret/);
    const cacert = join(temporaryDirectory(t, "ca"), "ca.pem");
    writeFileSync(cacert, store.certificatePem);
    await must("backup", "logs", "good", "--cacert", cacert);
    await must("backup", "logs", "good", "--insecure-skip-tls-verify");
    await rig.patch("backupstoragelocations", "main", {
      spec: { objectStorage: { caCert: Buffer.from(store.certificatePem).toString("base64") } },
    });
    await must("backup", "logs", "good");
    // The files of a Restore lie where its Backup does.
    await must("restore", "logs", "back");
    await rig.patch("backupstoragelocations", "main", { spec: { objectStorage: { caCert: null } } });
    await refused(1, "backup", "logs", "good");
  });
});

describe("a store that misbehaves", () => {
  it("is told with what it said, and never with the address", async () => {
    store.delivery = "refused";
    const said = await refused(1, "backup", "logs", "good");
    assert.match(said, /127\.0\.0\.1:\d+ answers with status 403: it has expired\n {2}next: /);
    assert.doesNotMatch(said, /very-secret/);
  });

  it("is followed to where it sends", async () => {
    store.delivery = "redirected";
    assert.match(await must("backup", "logs", "good"), /msg=two/);
  });

  it("that breaks off makes the command fail, and so does one that falls silent", async () => {
    for (const delivery of ["broken-off", "dripping"] as const) {
      store.delivery = delivery;
      const { code, stderr } = await run(["backup", "logs", "good", "--timeout", "500ms"]);
      assert.equal(code, 1, delivery);
      assert.match(stderr, /^Fatal: cannot read from 127\.0\.0\.1:\d+: /, delivery);
      assert.doesNotMatch(stderr, /very-secret/);
    }
  });

  it("that holds half of a file, or another one, is told as damage", async () => {
    const content = gzipSync("level=info msg=one\n".repeat(100));
    for (const bytes of [content.subarray(0, 40), Buffer.from("not gzip")]) {
      store.putRaw("BackupLog", "running", bytes);
      await rig.patch("backups", "running", { status: { phase: "Completed" } });
      const said = await refused(1, "backup", "logs", "running");
      assert.match(said, /BackupLog of running in the store is damaged: .*\n {2}next: /);
    }
    await rig.patch("backups", "running", { status: { phase: "InProgress" } });
  });
});

describe("backup download", () => {
  it("saves the tarball as it is, for its owner alone, and replaces nothing without --force", async (t) => {
    const folder = temporaryDirectory(t, "download");
    const path = join(folder, "x.tar.gz");
    store.put("BackupContents", "good", "the tarball");
    assert.match(await must("backup", "download", "good", "-o", path), /x\.tar\.gz: 11 B\n$/);
    assert.equal(readFileSync(path, "utf8"), "the tarball");
    assert.equal(statSync(path).mode & 0o777, 0o600);
    store.put("BackupContents", "good", "another");
    assert.match(
      await refused(1, "backup", "download", "good", "-o", path),
      /is there already\n {2}next: --force replaces/,
    );
    assert.equal(readFileSync(path, "utf8"), "the tarball");
    await must("backup", "download", "good", "-o", path, "--force");
    assert.equal(readFileSync(path, "utf8"), "another");
    assert.equal(await must("backup", "download", "good", "-o", "-"), "another");
    assert.deepEqual(readdirSync(folder), ["x.tar.gz"]);
  });

  it("leaves nothing behind when the store breaks off, and keeps what was there", async (t) => {
    const folder = temporaryDirectory(t, "download");
    const path = join(folder, "x.tar.gz");
    writeFileSync(path, "before");
    store.put("BackupContents", "good", "y".repeat(100_000));
    store.delivery = "broken-off";
    assert.match(await refused(1, "backup", "download", "good", "-o", path, "--force"), /cannot read from 127/);
    assert.deepEqual([readdirSync(folder), readFileSync(path, "utf8")], [["x.tar.gz"], "before"]);
  });

  it("is named after the Backup by default, and says when there is nothing", async (t) => {
    const folder = temporaryDirectory(t, "download");
    const main = join(import.meta.dirname, "..", "..", "src", "main.ts");
    const words = ["backup", "download", "good", "--kubeconfig", rig.controlPlane.adminKubeconfig];
    const { code, stderr } = await runProcess(process.execPath, { args: [main, ...words], cwd: folder });
    assert.equal(code, 0, stderr);
    assert.ok(existsSync(join(folder, "good-data.tar.gz")));
    assert.match(await refused(1, "backup", "download", "bad", "-o", join(folder, "b")), /no objects of backup bad/);
  });
});

describe("backup describe", () => {
  before(async () => {
    const labels = { "velero.io/backup-name": "bad" };
    const volume = (name: string, status: object): object => ({
      ...{ kind: "PodVolumeBackup", metadata: { name, labels }, status },
      spec: {
        ...{ node: "n", pod: { namespace: "shop", name }, volume: "data", backupStorageLocation: "main" },
        repoIdentifier: "",
      },
    });
    const progress = { totalBytes: 2048, bytesDone: 1024 };
    await rig.make("podvolumebackups", volume("db-0", { phase: "Completed", snapshotID: "0123abcd", progress }));
    await rig.make("podvolumebackups", volume("db-1", { phase: "Failed", message: "disk on fire" }));
    await rig.make("podvolumebackups", volume("db-2", { phase: "InProgress", progress }));
    const { uid } = ((await rig.get("backups", "bad")) as { metadata: { uid: string } }).metadata;
    for (const [name, backupUid, errors] of [
      ["now", uid, ["the store is away"]],
      ["of-another", "0000", ["not of this one"]],
    ] as const) {
      await rig.make("deletebackuprequests", {
        kind: "DeleteBackupRequest",
        metadata: { name, labels: { ...labels, "velero.io/backup-uid": backupUid } },
        spec: { backupName: "bad" },
        status: { phase: "Processed", errors },
      });
    }
  });

  it("shows errors and warnings by place, counts volumes, and keeps escape sequences from the terminal", async () => {
    const text = await must("backup", "describe", "bad");
    assert.match(text, /^Name: +bad\nNamespace: +velero\n/);
    assert.match(text, /\nPhase: +PartiallyFailed {2}\(see: stowage backup logs bad\)\n/);
    assert.match(
      text,
      /\nErrors:\n {2}Velero:\n {4}upload failed\n {2}Cluster: +<none>\n {2}Namespaces:\n {4}shop:\n {6}hook in \\x1b\[2Jdb-0 failed\n/,
    );
    assert.match(
      text,
      /\nWarnings:\n {2}Velero: +<none>\n {2}Cluster:\n {4}a node is missing\n {2}Namespaces: +<none>\n/,
    );
    assert.match(text, /\nNamespaces:\n {2}Included: +shop\n {2}Excluded: +<none>\n/);
    assert.match(text, /\nStorage Location: +main\n/);
    assert.match(text, /\nItems backed up: +3\n/);
    assert.match(
      text,
      /Pod Volume Backups \(--details shows each\):\n {4}Completed: +1\n {4}Failed: +1\n {4}InProgress: +1\n/,
    );
    assert.match(text, /Not taken \(--details shows why\): +1\n/);
    assert.match(text, /Deletion Attempts \(1 failed\):\n {2}.*: Processed:\n {4}error: the store is away\n/);
    assert.doesNotMatch(text, /not of this one|Resource List/);
    assert.ok(!text.includes("\u001b"));
  });

  it("with --details shows each volume, why volumes were not taken, and each object", async () => {
    const text = await must("backup", "describe", "bad", "--details");
    assert.match(text, /Completed:\n {6}shop\/db-0 data \(2\.000 KiB, snapshot 0123abcd\)\n/);
    assert.match(text, /Failed:\n {6}shop\/db-1 data: disk on fire\n/);
    assert.match(text, /InProgress:\n {6}shop\/db-2 data \(50\.00%, 2\.000 KiB\)\n/);
    assert.match(text, /Not taken:\n {4}claim shop\/data: not mounted by a running pod\n/);
    assert.match(
      text,
      /Resource List:\n {2}apps\/v1\/Deployment \(1 object\):\n {4}- shop\/web\n {2}v1\/Pod \(2 objects\):\n {4}- shop\/db-0\n/,
    );
  });

  it("asks the store for nothing while there is nothing there", async () => {
    store.isAnswering = false;
    assert.match(
      await must("backup", "describe", "running"),
      /Estimated total items to be backed up: +3\nItems backed up so far: +3\n/,
    );
    assert.match(await must("backup", "describe", "refused"), /Validation errors:\n {2}no such thing\n/);
  });

  it("shows what there is when the store cannot be read, and ends with 3", async () => {
    store.delivery = "refused";
    const { code, stdout, stderr } = await run(["backup", "describe", "bad", "--details"]);
    assert.equal(code, 3);
    assert.match(stdout, /Errors: +2 \(cannot show them: 127\.0\.0\.1:\d+ answers with status 403: it has expired\)\n/);
    assert.match(stdout, /Resource List: +<127\.0\.0\.1:\d+ answers with status 403/);
    assert.match(stdout, /shop\/db-1 data: disk on fire/);
    assert.match(stderr, /status 403/);
  });

  it("waits for a silent server once, and not for each file", async () => {
    store.isAnswering = false;
    const { code, stdout } = await run(["backup", "describe", "bad", "--details", "--timeout", "1s"]);
    assert.equal(code, 3);
    assert.match(stdout, /Errors: +2 \(cannot show them: the server has not said within 1 s/);
    assert.match(stdout, /Resource List: +<the server has not said within 1 s where BackupResults/);
  });

  it("shows a Backup whose files are of an older release or gone", async () => {
    assert.match(await must("backup", "describe", "good", "--details"), /Resource List: +<not in the store>\n/);
  });

  it("prints the same for scripts, as JSON and YAML", async () => {
    type Described = {
      backup: { metadata: { name: string } };
      volumes: unknown[];
      results: { content: { errors: object } };
    };
    const asJson = JSON.parse(await must("backup", "describe", "bad", "-o", "json")) as Described;
    assert.deepEqual([asJson.backup.metadata.name, asJson.volumes.length], ["bad", 3]);
    assert.deepEqual(asJson.results.content.errors, {
      velero: ["upload failed"],
      namespaces: { shop: ["hook in \u001b[2Jdb-0 failed"] },
    });
    const asYaml = parse(await must("backup", "describe", "bad", "-o", "yaml"), { version: "1.1" }) as Described;
    assert.equal(asYaml.backup.metadata.name, "bad");
  });

  it("describes several one after the other, an empty line between them", async () => {
    const text = await must("backup", "describe", "good", "running");
    assert.match(text, /^Name: +good\n[\s\S]*\n\n\nName: +running\n/);
    const all = JSON.parse(await must("backup", "describe", "good", "running", "-o", "json")) as { items: unknown[] };
    assert.equal(all.items.length, 2);
  });

  it("with Velero's CRDs, which keep no conditions, shows those of the annotation", async () => {
    const condition = { type: "Succeeded", status: "False", reason: "Failed", message: "because" };
    const annotations = { "stowage.dev/conditions": JSON.stringify([condition]) };
    await rig.makeBackup("annotated", { annotations, status: { phase: "Failed" } });
    const text = await must("backup", "describe", "annotated");
    assert.match(text, /Reason: +because\n/);
    assert.match(text, /Conditions:\n {2}Succeeded=False \(Failed\): because\n/);
  });
});

describe("restore describe", () => {
  it("shows what was asked for, how it went, and with --details each object", async () => {
    const text = await must("restore", "describe", "back", "--details");
    assert.match(text, /\nTotal items to be restored: +3\nItems restored: +3\n/);
    assert.match(
      text,
      /\nErrors:\n {2}Velero: +<none>\n {2}Cluster: +<none>\n {2}Namespaces:\n {4}test:\n {6}cannot create pod db-0\n/,
    );
    assert.match(text, /\nBackup: +good\n/);
    assert.match(text, /Included: +all namespaces found in the backup\n/);
    assert.match(text, /Namespace mappings: +shop=test\n/);
    assert.match(text, /Resource List:\n {2}v1\/Pod \(1 object\):\n {4}- test\/db-0\(created\)\n/);
  });
});

describe("version --server", () => {
  it("says so when no server answers, and takes its request back", async () => {
    const said = await refused(1, "version", "--server", "--timeout", "1s");
    assert.match(said, /no server has answered within 1 s in namespace velero\n {2}next: see whether it runs/);
    assert.deepEqual(await rig.list("serverstatusrequests"), []);
  });
});

describe("an interrupted wait for the server", () => {
  it("ends at once and takes the request back", async () => {
    store.isAnswering = false;
    let interrupt = (): void => undefined;
    const running = run(["backup", "logs", "good"], {
      onStart: (start) => {
        interrupt = start;
      },
    });
    await eventually("a request", async () => (await rig.list("downloadrequests")).length === 1);
    interrupt();
    assert.equal((await running).code, 130);
    assert.deepEqual(await rig.list("downloadrequests"), []);
  });
});
