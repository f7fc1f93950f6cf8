// What needs no cluster: help, wrong words, and objects that are printed instead of made.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parse } from "yaml";
import { runOnCluster } from "../../../../support/in-process-cli.ts";
import { temporaryDirectory } from "../../../../support/temporary-directory.ts";

const verbs = {
  backup: ["create", "get", "describe", "logs", "download", "delete"],
  restore: ["create", "get", "describe", "logs", "delete"],
  schedule: ["create", "get", "describe", "pause", "unpause", "delete"],
  "backup-location": ["create", "get", "set", "delete"],
} as const;

async function printed(...words: string[]): Promise<unknown> {
  const { code, stdout, stderr } = await runOnCluster([...words, "-o", "json"]);
  assert.equal(code, 0, stderr);
  assert.equal(stderr, "");
  return JSON.parse(stdout);
}

async function complaint(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await runOnCluster(words);
  assert.deepEqual([code, stdout], [1, ""]);
  return stderr;
}

describe("the help of the commands on a cluster", () => {
  it("answers a noun alone with its verbs, the options of every command, and examples", async () => {
    for (const [noun, own] of Object.entries(verbs)) {
      const { code, stdout, stderr } = await runOnCluster([noun]);
      assert.deepEqual([code, stderr], [0, ""]);
      for (const verb of own) assert.match(stdout, new RegExp(`^ {2}${verb}\\b`, "m"));
      assert.match(stdout, /--kubecontext <name>/);
      assert.match(stdout, new RegExp(`^ {2}stowage ${noun} `, "m"));
      assert.match(stdout, /Exit codes: 0 done/);
    }
  });

  it("explains each verb in a sentence, with examples that name it, and without the options of every command", async () => {
    for (const [noun, own] of Object.entries(verbs)) {
      for (const verb of own) {
        const { code, stdout } = await runOnCluster([noun, verb, "--help"]);
        assert.equal(code, 0);
        assert.match(stdout, /\n\n[A-Z](?:.|\n){25,}?\.\n/, `${noun} ${verb}`);
        assert.match(stdout, new RegExp(`^ {2}stowage ${noun} ${verb}`, "m"));
        assert.doesNotMatch(stdout, /--kubeconfig/);
        assert.match(stdout, new RegExp(`Options of every command .*: stowage ${noun} --help`));
        assert.equal((await runOnCluster([noun, "help", verb])).stdout, stdout);
      }
    }
  });
});

describe("wrong words", () => {
  it("are named with a suggestion and where to read more", async () => {
    assert.match(await complaint("backup", "creat"), /unknown command 'creat'\n\(Did you mean create\?\)/);
    const flag = await complaint("backup", "create", "x", "--include-namespace", "a");
    assert.match(flag, /Did you mean --include-namespaces\?\)\n {2}see: stowage backup create --help/);
  });

  it("in velero's other order are understood, and a verb without a noun is told which there are", async () => {
    assert.match((await runOnCluster(["get", "backups", "--help"])).stdout, /Usage: stowage backup get/);
    assert.match(await complaint("get"), /get what\? one of: backup, restore, schedule, backup-location/);
  });

  it("that exclude each other are refused before any cluster is asked", async () => {
    const create = ["backup", "create", "x"];
    assert.match(await complaint("backup", "create"), /name the Backup, or say --from-schedule/);
    assert.match(
      await complaint(...create, "-l", "a=b", "--or-selector", "c=d"),
      /--selector or --or-selector, not both/,
    );
    assert.match(
      await complaint(...create, "--include-cluster-resources", "--include-namespace-scoped-resources", "pods"),
      /--include-cluster-resources and --include-namespace-scoped-resources exclude each other/,
    );
    const both = ["--from-schedule", "nightly", "--ttl", "1h", "-l", "a=b"];
    assert.match(await complaint("backup", "create", ...both), /leave out --selector, --ttl/);
    assert.match(await complaint("restore", "create"), /--from-backup NAME or --from-schedule NAME/);
    const two = ["--from-backup", "a", "--from-schedule", "b"];
    assert.match(await complaint("restore", "create", "x", ...two), /say what to restore from/);
    assert.match(await complaint("backup", "delete"), /which backups: their names, or --all, or --selector/);
    assert.match(await complaint("backup", "delete", "x", "--all"), /their names, or --all, or --selector/);
    assert.match(await complaint("backup", "get", "x", "-l", "a=b"), /names or --selector, not both/);
    assert.match(await complaint("schedule", "create", "x"), /required option '--schedule <cron>'/);
    assert.match(await complaint("backup-location", "set", "x"), /say what to change/);
  });

  it("name a kubeconfig that cannot be used, and a context that it does not have", async (t) => {
    assert.match(
      await complaint("backup", "get", "--kubeconfig", "/no/such/file"),
      /cannot use \/no\/such\/file: ENOENT[^\n]*\n {2}next: name another with --kubeconfig or KUBECONFIG/,
    );
    const kubeconfig = join(temporaryDirectory(t, "kubeconfig"), "config");
    const cluster = { name: "c", cluster: { server: "http://127.0.0.1:1" } };
    const contexts = ["one", "two"].map((name) => ({ name, context: { cluster: "c", user: "u" } }));
    const users = [{ name: "u", user: {} }];
    writeFileSync(kubeconfig, JSON.stringify({ clusters: [cluster], contexts, users, "current-context": "one" }));
    const wrong = await complaint("backup", "--kubecontext", "three", "get", "--kubeconfig", kubeconfig);
    assert.match(wrong, /no context "three"; it has one, two\n {2}next: /);
  });
});

describe("objects that are printed", () => {
  it("hold what each of velero's flags of backup create says", async () => {
    const words = [
      ...["backup", "create", "shop-1", "-n", "backups"],
      ...[
        "--include-namespaces",
        "shop,db",
        "--exclude-namespaces",
        "tmp",
        "--include-resources",
        "pods,deployments.apps",
      ],
      ...["--exclude-resources", "secrets", "--include-cluster-resources=false", "-l", "app=web,tier!=x"],
      ...["--ordered-resources", "pods=shop/a", "--storage-location", "minio", "--ttl", "72h"],
      ...[
        "--default-volumes-to-fs-backup",
        "--resource-policies-configmap",
        "policies",
        "--parallel-files-upload",
        "4",
      ],
      ...[
        "--snapshot-volumes=false",
        "--snapshot-move-data=true",
        "--data-mover",
        "dm",
        "--csi-snapshot-timeout",
        "5m",
      ],
      ...["--volume-snapshot-locations", "a,b", "--item-operation-timeout", "1h"],
      ...["--labels", "team=web", "--annotations", "velero.io/pod-volume-timeout=2h", "--wait"],
    ];
    assert.deepEqual(await printed(...words), {
      apiVersion: "velero.io/v1",
      kind: "Backup",
      metadata: {
        name: "shop-1",
        namespace: "backups",
        labels: { team: "web" },
        annotations: { "velero.io/pod-volume-timeout": "2h" },
      },
      spec: {
        includedNamespaces: ["shop", "db"],
        excludedNamespaces: ["tmp"],
        includedResources: ["pods", "deployments.apps"],
        excludedResources: ["secrets"],
        includeClusterResources: false,
        labelSelector: {
          matchLabels: { app: "web" },
          matchExpressions: [{ key: "tier", operator: "NotIn", values: ["x"] }],
        },
        orderedResources: { pods: "shop/a" },
        storageLocation: "minio",
        ttl: "72h",
        defaultVolumesToFsBackup: true,
        resourcePolicy: { kind: "configmap", name: "policies" },
        uploaderConfig: { parallelFilesUpload: 4 },
        snapshotVolumes: false,
        snapshotMoveData: true,
        datamover: "dm",
        csiSnapshotTimeout: "5m",
        volumeSnapshotLocations: ["a", "b"],
        itemOperationTimeout: "1h",
      },
    });
  });

  it("hold the scoped filters, or-selectors, and nothing that nobody asked for", async () => {
    const scoped = ["--include-cluster-scoped-resources", "a", "--exclude-cluster-scoped-resources", "b"];
    scoped.push("--include-namespace-scoped-resources", "c", "--exclude-namespace-scoped-resources", "d,e");
    const backup = (await printed("backup", "create", "x", ...scoped, "--or-selector", "a=b or c=d")) as {
      spec: object;
    };
    assert.deepEqual(backup.spec, {
      includedNamespaces: ["*"],
      includedClusterScopedResources: ["a"],
      excludedClusterScopedResources: ["b"],
      includedNamespaceScopedResources: ["c"],
      excludedNamespaceScopedResources: ["d", "e"],
      orLabelSelectors: [{ matchLabels: { a: "b" } }, { matchLabels: { c: "d" } }],
    });
  });

  it("take a flag for true or false alone, joined, and before a name", async () => {
    const specOf = async (...words: string[]): Promise<unknown> =>
      ((await printed("backup", "create", ...words)) as { spec: Record<string, unknown> }).spec.includeClusterResources;
    assert.equal(await specOf("--include-cluster-resources", "x"), true);
    assert.equal(await specOf("x", "--include-cluster-resources=F"), false);
    assert.equal(await specOf("x"), undefined);
  });

  it("hold what the flags of schedule create say, the template included", async () => {
    const words = ["--schedule", "@every 6h", "--paused", "--skip-immediately", "--use-owner-references-in-backup"];
    words.push("--include-namespaces", "shop", "--ttl", "24h", "--annotations", "a=b");
    assert.deepEqual(await printed("schedule", "create", "six", ...words), {
      apiVersion: "velero.io/v1",
      kind: "Schedule",
      metadata: { name: "six", namespace: "velero", annotations: { a: "b" } },
      spec: {
        schedule: "@every 6h",
        template: { includedNamespaces: ["shop"], ttl: "24h" },
        paused: true,
        skipImmediately: true,
        useOwnerReferencesInBackup: true,
      },
    });
  });

  it("hold what the flags of backup-location create say, with certificates in base64", async (t) => {
    const cacert = join(temporaryDirectory(t, "ca"), "ca.pem");
    const pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    writeFileSync(cacert, pem);
    const words = ["--provider", "aws", "--bucket", "b", "--prefix", "p", "--config", "region=r,s3Url=https://x"];
    words.push("--credential", "keys=cloud", "--default", "--access-mode", "readonly", "--cacert", cacert);
    words.push("--backup-sync-period", "0s", "--validation-frequency", "5m", "--labels", "x=y");
    assert.deepEqual(await printed("backup-location", "create", "minio", ...words), {
      apiVersion: "velero.io/v1",
      kind: "BackupStorageLocation",
      metadata: { name: "minio", namespace: "velero", labels: { x: "y" } },
      spec: {
        provider: "aws",
        objectStorage: { bucket: "b", prefix: "p", caCert: Buffer.from(pem).toString("base64") },
        config: { region: "r", s3Url: "https://x" },
        credential: { name: "keys", key: "cloud" },
        default: true,
        accessMode: "ReadOnly",
        backupSyncPeriod: "0s",
        validationFrequency: "5m",
      },
    });
    writeFileSync(cacert, "nothing");
    const create = ["backup-location", "create", "x", "--provider", "aws", "--bucket", "b"];
    assert.match(await complaint(...create, "--cacert", cacert), /holds no certificate/);
    assert.match(await complaint(...create, "--credential", "keys"), /write it like cloud-credentials=cloud/);
  });

  it("as YAML keep texts that older readers would take for something else", async () => {
    const words = ["backup", "create", "x", "--annotations", "a=no,b=12:30,c=0x10,d=1e3", "-o", "yaml"];
    const { stdout } = await runOnCluster(words);
    const { metadata } = parse(stdout, { version: "1.1" }) as { metadata: { annotations: object } };
    assert.deepEqual(metadata.annotations, { a: "no", b: "12:30", c: "0x10", d: "1e3" });
  });

  it("lie in the namespace of the flag, else of the variables, else of Velero", async () => {
    const namespaceOf = async (words: readonly string[], env: Record<string, string>): Promise<string> => {
      const { stdout } = await runOnCluster(["backup", ...words, "-o", "json"], { env });
      return (JSON.parse(stdout) as { metadata: { namespace: string } }).metadata.namespace;
    };
    const env = { VELERO_NAMESPACE: "theirs" };
    assert.equal(await namespaceOf(["create", "x"], {}), "velero");
    assert.equal(await namespaceOf(["create", "x"], env), "theirs");
    assert.equal(await namespaceOf(["create", "x"], { ...env, STOWAGE_NAMESPACE: "ours" }), "ours");
    assert.equal(await namespaceOf(["create", "x", "-n", "flag"], env), "flag");
    assert.equal(await namespaceOf(["-n", "before", "create", "x"], env), "before");
  });
});
