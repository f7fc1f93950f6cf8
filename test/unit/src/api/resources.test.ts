import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import type { KubeObject, Resource } from "../../../../src/api/kube-object.ts";
import { podVolumeStages } from "../../../../src/api/phases.ts";
import {
  backupRepositories,
  backupStorageLocations,
  backups,
  deleteBackupRequests,
  downloadRequests,
  podVolumeBackups,
  podVolumeRestores,
  restores,
  schedules,
  serverStatusRequests,
  volumeSnapshotLocations,
} from "../../../../src/api/resources.ts";

interface Crd {
  readonly spec: {
    readonly group: string;
    readonly scope: string;
    readonly names: { readonly kind: string; readonly plural: string };
    readonly versions: readonly {
      readonly name: string;
      readonly schema: {
        readonly openAPIV3Schema: { properties: { status: { properties: { phase: { enum: string[] } } } } };
      };
    }[];
  };
}

const folder = join(import.meta.dirname, "..", "..", "..", "..", "manifests", "crds");
const crds = readdirSync(folder).map((name) => parse(readFileSync(join(folder, name), "utf8")) as Crd);
const resources: readonly Resource<KubeObject>[] = [
  ...[backups, restores, schedules, deleteBackupRequests, downloadRequests, serverStatusRequests],
  ...[podVolumeBackups, podVolumeRestores, backupRepositories, backupStorageLocations, volumeSnapshotLocations],
];

test("every resource of velero.io has its CRD, under the same names, and every CRD its resource", () => {
  const ofCrds = crds.map(
    ({ spec }) => `${spec.group}/${spec.versions[0]?.name} ${spec.names.kind} ${spec.names.plural}`,
  );
  const ofResources = resources.map((it) => `${it.group}/${it.version} ${it.kind} ${it.plural}`);
  assert.deepEqual(ofResources.sort(), ofCrds.sort());
});

test("the phases of the pod volume kinds are those of the schema", () => {
  for (const plural of ["podvolumebackups", "podvolumerestores"]) {
    const crd = crds.find(({ spec }) => spec.names.plural === plural);
    const allowed = crd?.spec.versions[0]?.schema.openAPIV3Schema.properties.status.properties.phase.enum ?? [];
    assert.deepEqual([...allowed].sort(), Object.keys(podVolumeStages).sort());
  }
});
