// Our command line beside Velero's client: the same verbs and flags, and the same words make the same objects.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { runOnCluster } from "../support/in-process-cli.ts";
import { veleroBinary } from "../support/peers.ts";
import { runProcess } from "../support/processes.ts";
import { type ServerRig, startServerRig } from "../support/server-rig.ts";

let rig: ServerRig;

before(async () => {
  rig = await startServerRig();
  await rig.makeLocation("main");
  await rig.makeBackup("source", { status: { phase: "Completed" } });
});
after(() => rig?.stop());

async function velero(words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runProcess(veleroBinary(), {
    args: [...words, "--kubeconfig", rig.controlPlane.adminKubeconfig],
  });
  assert.equal(code, 0, `velero ${words.join(" ")}: ${stderr}${stdout}`);
  return stdout;
}

async function stowage(words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runOnCluster(words, { kubeconfig: rig.controlPlane.adminKubeconfig });
  assert.equal(code, 0, `stowage ${words.join(" ")}: ${stderr}`);
  return stdout;
}

const verbs: readonly (readonly [noun: string, verbs: readonly string[]])[] = [
  ["backup", ["create", "get", "describe", "logs", "download", "delete"]],
  ["restore", ["create", "get", "describe", "logs", "delete"]],
  ["schedule", ["create", "get", "describe", "pause", "unpause", "delete"]],
  ["backup-location", ["create", "get", "set", "delete"]],
];

/** They choose columns of a table, which a verb that makes something does not print. */
const pointless = new Set(["--label-columns", "--show-labels"]);

describe("the flags of Velero's client", () => {
  for (const [noun, own] of verbs) {
    it(`of all verbs of ${noun} are ours, with their short forms`, async () => {
      for (const verb of own) {
        const theirs = flagsOf(/\nFlags:\n([\s\S]*?)\n\n/.exec(await velero([noun, verb, "--help"]))?.[1] ?? "");
        const ours = flagsOf(await stowage([noun, verb, "--help"]));
        assert.ok(theirs.size > 1, `${noun} ${verb}`);
        for (const [long, short] of theirs) {
          if (verb === "create" && pointless.has(long)) continue;
          assert.equal(ours.get(long), short, `${noun} ${verb} ${long}`);
        }
      }
    });

    it(`of ${noun}: it has no verb that we have not`, async () => {
      const list = /\nAvailable Commands:\n([\s\S]*?)\n\n/.exec(await velero([noun, "--help"]))?.[1] ?? "";
      const theirs = [...list.matchAll(/^ {2}([a-z-]+)/gm)].map(([, verb]) => verb);
      assert.deepEqual(theirs.sort(), [...own].sort());
    });
  }
});

/** Long flags, each with its short form or "". */
function flagsOf(help: string): Map<string, string> {
  const found = help.matchAll(/^ *(?:(-[a-zA-Z]), +)?(--[a-z][a-z-]*)/gm);
  return new Map([...found].map(([, short = "", long = ""]) => [long, short]));
}

describe("an object that Velero's client would make", () => {
  const filters = [
    ...[
      "--include-namespaces",
      "shop,db",
      "--exclude-namespaces",
      "tmp",
      "--include-resources",
      "pods,deployments.apps",
    ],
    ...[
      "--exclude-resources",
      "secrets",
      "--include-cluster-resources=false",
      "--selector",
      "app=web,tier notin (x),on",
    ],
    ...["--labels", "team=web", "--item-operation-timeout", "1h"],
  ];
  const backup = [
    ...[...filters, "--storage-location", "main", "--ttl", "72h0m0s", "--default-volumes-to-fs-backup"],
    ...["--resource-policies-configmap", "policies", "--parallel-files-upload", "4", "--snapshot-volumes=false"],
    ...["--snapshot-move-data", "--data-mover", "dm", "--csi-snapshot-timeout", "5m"],
    ...["--ordered-resources", "pods=shop/a,shop/b;persistentvolumes=pv4"],
  ];
  const scoped = [
    ...["--include-cluster-scoped-resources", "a", "--exclude-cluster-scoped-resources", "b"],
    ...["--include-namespace-scoped-resources", "c", "--exclude-namespace-scoped-resources", "d,e"],
    ...["--or-selector", "app in (web,api),!old or x notin (y)"],
  ];
  const cases: readonly (readonly [title: string, words: readonly string[]])[] = [
    ["backup create NAME", ["backup", "create", "b"]],
    ["backup create with every flag", ["backup", "create", "b", ...backup, "--annotations", '"a=1,2",b=c']],
    ["backup create by scope", ["backup", "create", "b", ...scoped]],
    [
      "schedule create",
      ["schedule", "create", "s", "--schedule", "@every 6h", ...backup, "--paused", "--skip-immediately", "true"],
    ],
    [
      "restore create",
      [
        ...["restore", "create", "r", "--from-backup", "source", ...filters, "--namespace-mappings", "shop:a,db:b"],
        ...["--existing-resource-policy", "update", "--status-include-resources", "pods", "--restore-volumes=false"],
        ...["--status-exclude-resources", "services", "--preserve-nodeports", "--resource-modifier-configmap", "mod"],
        ...["--write-sparse-files", "--parallel-files-download", "3", "--annotations", "a=b"],
      ],
    ],
    ["restore create NAME", ["restore", "create", "r", "--from-backup", "source"]],
    [
      "backup-location create",
      [
        ...["backup-location", "create", "l", "--provider", "aws", "--bucket", "b", "--prefix", "p", "--default"],
        ...["--config", "region=r,s3Url=https://x", "--credential", "keys=cloud", "--access-mode", "ReadOnly"],
        ...["--backup-sync-period", "1m0s", "--validation-frequency", "2m0s", "--labels", "x=y"],
      ],
    ],
    ["the other order", ["create", "backup", "b", "--include-namespaces", "shop"]],
  ];
  for (const [title, words] of cases) {
    it(`is made of the same words by ours: ${title}`, async () => {
      const [theirs, ours] = await Promise.all([velero([...words, "-o", "json"]), stowage([...words, "-o", "json"])]);
      assert.deepEqual(meaning(JSON.parse(ours)), meaning(JSON.parse(theirs)));
    });
  }
});

/** Without what Go writes for fields that nobody set; durations in one form, requirements of selectors in one order. */
function meaning(value: unknown): unknown {
  if (Array.isArray(value)) {
    const isRequirements = value.every((item) => typeof (item as { operator?: unknown })?.operator === "string");
    const key = (item: unknown): string => (item as { key: string }).key;
    return isRequirements ? value.toSorted((a, b) => (key(a) < key(b) ? -1 : 1)) : value.map(meaning);
  }
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).map(([key, field]) => [key, durationOf(meaning(field))] as const);
  return Object.fromEntries(fields.filter(([key, field]) => !isUnset(key, field)));
}

function isUnset(key: string, field: unknown): boolean {
  if (key === "creationTimestamp" || (key === "useOwnerReferencesInBackup" && field === false)) return true;
  if (field === null || field === "" || field === "0s" || field === undefined) return true;
  return typeof field === "object" && Object.keys(field).length === 0;
}

function durationOf(field: unknown): unknown {
  return typeof field === "string"
    ? field.replace(/^(\d+h)?(\d+m)?0s$/, (_, h = "", m = "") => `${h}${m === "0m" ? "" : m}`)
    : field;
}
