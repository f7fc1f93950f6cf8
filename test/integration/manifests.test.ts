// Everything in manifests/ against the real API server: each file is accepted, first as a dry run and then for good, and
// what kubectl prints comes out of fields that exist.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { parse, parseAllDocuments } from "yaml";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";

const manifests = join(import.meta.dirname, "..", "..", "manifests");
let controlPlane: ControlPlane;

interface Schema {
  readonly type?: string;
  readonly format?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
}

interface Crd {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly names: { readonly kind: string; readonly plural: string };
    readonly versions: readonly {
      readonly additionalPrinterColumns?: readonly {
        readonly name: string;
        readonly type: string;
        readonly jsonPath: string;
      }[];
      readonly schema: { readonly openAPIV3Schema: Schema };
      readonly subresources?: unknown;
    }[];
  };
}

before(async () => {
  controlPlane = await startControlPlane();
});
after(() => controlPlane.stop());

function crds(): Crd[] {
  const folder = join(manifests, "crds");
  return readdirSync(folder).map((name) => parse(readFileSync(join(folder, name), "utf8")) as Crd);
}

async function kubectl(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await controlPlane.kubectl(args);
  assert.equal(code, 0, `kubectl ${args.join(" ")}: ${stderr}`);
  return stdout;
}

test("every file of the kustomization is accepted by a server-side dry run, and then for real", async () => {
  await kubectl(["apply", "--server-side", "-f", join(manifests, "namespace.yaml")]);
  // Objects of a kind can be tried only when their CRD is there, so these come first and for real.
  await kubectl(["apply", "--server-side", "--dry-run=server", "-f", join(manifests, "crds")]);
  await kubectl(["apply", "--server-side", "-f", join(manifests, "crds")]);
  await kubectl(["wait", "--for=condition=Established", "crd", "--all"]);
  await kubectl(["apply", "--server-side", "--dry-run=server", "-k", manifests]);
  const applied = await kubectl(["apply", "--server-side", "-k", manifests]);
  assert.match(applied, /daemonset.apps\/node-agent serverside-applied/);
  assert.match(applied, /deployment.apps\/stowage serverside-applied/);
});

test("the kustomization names every file of crds and rbac", () => {
  const { resources } = parse(readFileSync(join(manifests, "kustomization.yaml"), "utf8")) as { resources: string[] };
  const present = ["crds", "rbac"].flatMap((folder) =>
    readdirSync(join(manifests, folder)).map((name) => `${folder}/${name}`),
  );
  for (const file of present) assert.ok(resources.includes(file), file);
});

test("every example is accepted", async () => {
  const folder = join(manifests, "examples");
  for (const name of readdirSync(folder).sort()) {
    await kubectl(["apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", join(folder, name)]).catch(
      async (error: Error) => {
        // An example may bring its own namespace, which a dry run does not make.
        if (!/namespaces? .*not found/.test(error.message)) throw error;
        await kubectl(["apply", "--server-side", "-f", join(folder, name)]);
      },
    );
  }
});

test("there is one file per kind, and none has a status subresource, which would drop Velero's writes", () => {
  const kinds = crds().map((crd) => crd.spec.names.kind);
  assert.deepEqual(kinds.sort(), [
    "Backup",
    "BackupRepository",
    "BackupStorageLocation",
    "DeleteBackupRequest",
    "DownloadRequest",
    "PodVolumeBackup",
    "PodVolumeRestore",
    "Restore",
    "Schedule",
    "ServerStatusRequest",
    "VolumeSnapshotLocation",
  ]);
  for (const crd of crds()) assert.equal(crd.spec.versions[0]?.subresources, undefined, crd.metadata.name);
});

test("every printer column points at a field of the schema, and has its type", () => {
  for (const crd of crds()) {
    const [version] = crd.spec.versions;
    for (const column of version?.additionalPrinterColumns ?? []) {
      if (column.jsonPath === ".metadata.creationTimestamp") continue;
      const field = fieldAt(version?.schema.openAPIV3Schema, column.jsonPath);
      assert.ok(field !== undefined, `${crd.metadata.name}: ${column.jsonPath}`);
      const isDate = column.type === "date";
      assert.equal(
        isDate ? field.format : field.type,
        isDate ? "date-time" : column.type,
        `${crd.metadata.name} ${column.name}`,
      );
    }
  }
});

function fieldAt(schema: Schema | undefined, jsonPath: string): Schema | undefined {
  return jsonPath
    .split(".")
    .slice(1)
    .reduce<Schema | undefined>((at, step) => at?.properties?.[step], schema);
}

test("a PodVolumeBackup as Velero's server writes it is kept whole, and kubectl shows its columns", async () => {
  const path = "/apis/velero.io/v1/namespaces/velero/podvolumebackups";
  const status = {
    phase: "Completed",
    snapshotID: "0a1b2c3d",
    path: "/host_pods/x",
    startTimestamp: "2024-01-01T00:00:00Z",
    completionTimestamp: "2024-01-01T00:00:10Z",
    progress: { totalBytes: 12, bytesDone: 12 },
    incrementalBytes: 3,
  };
  const spec = {
    ...{ node: "n", volume: "data", backupStorageLocation: "default", repoIdentifier: "", uploaderType: "restic" },
    pod: { kind: "Pod", namespace: "app", name: "web", uid: "u" },
    tags: { ns: "app" },
    uploaderSettings: null,
  };
  await controlPlane.must("POST", path, {
    ...{ apiVersion: "velero.io/v1", kind: "PodVolumeBackup", metadata: { name: "synced" } },
    ...{ spec, status },
  });
  const stored = (await controlPlane.must("GET", `${path}/synced`)) as { spec: unknown; status: unknown };
  assert.deepEqual(stored.status, status);
  const table = await kubectl(["-n", "velero", "get", "podvolumebackups"]);
  assert.match(table, /STATUS +STARTED +NAMESPACE +POD +VOLUME +BYTES DONE +TOTAL BYTES +AGE/);
  assert.match(table, /synced +Completed .* app +web +data +12 +12/);
});

/** What a Backup of everything reads, and what a Restore of anything writes; each role has a binding that can be left out. */
const broadRoles: Readonly<Record<string, readonly string[]>> = {
  "stowage-server-backup": ["get", "list"],
  "stowage-server-restore": ["create", "patch", "update"],
};

test("the agent's and the server's rights are roles of their own, broad in two named roles only, and nobody is cluster-admin", () => {
  const folder = join(manifests, "rbac");
  const documents = readdirSync(folder).flatMap((name) =>
    parseAllDocuments(readFileSync(join(folder, name), "utf8")).map((document) => document.toJS() as RbacObject),
  );
  for (const { rules = [], roleRef, metadata } of documents) {
    assert.notEqual(roleRef?.name, "cluster-admin");
    for (const { verbs, apiGroups, resources } of rules) {
      assert.ok(!verbs.includes("*"), metadata.name);
      const isBroad = apiGroups.includes("*") || resources.includes("*");
      if (isBroad) assert.deepEqual(verbs, broadRoles[metadata.name], `${metadata.name}: ${resources}`);
    }
  }
});

interface RbacObject {
  readonly metadata: { readonly name: string };
  readonly roleRef?: { readonly name: string };
  readonly rules?: readonly {
    readonly verbs: readonly string[];
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
  }[];
}
