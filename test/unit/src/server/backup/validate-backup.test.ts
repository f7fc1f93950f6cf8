import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Backup, BackupSpec } from "../../../../../src/api/backup.ts";
import type { BackupStorageLocation } from "../../../../../src/api/backup-storage-location.ts";
import { validateBackup } from "../../../../../src/server/backup/validate-backup.ts";

const location: BackupStorageLocation = {
  metadata: { name: "default" },
  spec: { provider: "aws", objectStorage: { bucket: "b" } },
  status: { phase: "Available" },
};
const backup = (spec: BackupSpec): Backup => ({ metadata: { name: "b", namespace: "velero" }, spec });

describe("validateBackup", () => {
  it("accepts what the velero command line writes for a plain backup", () => {
    const spec: BackupSpec = {
      metadata: {},
      includedNamespaces: ["*"],
      includedResources: null,
      hooks: {},
      snapshotVolumes: null,
      ttl: "720h0m0s",
      storageLocation: "default",
      csiSnapshotTimeout: "10m0s",
      itemOperationTimeout: "4h0m0s",
      defaultVolumesToFsBackup: true,
      snapshotMoveData: false,
      uploaderConfig: { parallelFilesUpload: 4 },
    };
    assert.deepEqual(validateBackup(backup(spec), location), []);
  });

  it("accepts everything that chooses objects, volumes and hooks", () => {
    const exec = { command: ["sync"], container: "app", onError: "Continue" as const, timeout: "10s" };
    const spec: BackupSpec = {
      labelSelector: { matchLabels: { app: "x" } },
      hooks: { resources: [{ name: "h", pre: [{ exec }], post: [{ exec }] }] },
      resourcePolicy: { kind: "configmap", name: "p" },
      includedResources: ["pods"],
      includeClusterResources: false,
      orderedResources: { pods: "a/b, a/c" },
    };
    assert.deepEqual(validateBackup(backup(spec), location), []);
  });

  it("names every field that is not carried out", () => {
    const unsupported: BackupSpec = {
      snapshotVolumes: true,
      volumeSnapshotLocations: ["default"],
      snapshotMoveData: true,
      datamover: "velero",
      volumeGroupSnapshotLabelKey: "group",
    };
    const problems = validateBackup(backup(unsupported), location);
    const named = problems.map((text) => /^spec\.(\w+) is not supported/.exec(text)?.[1]);
    assert.deepEqual(named, Object.keys(unsupported));
  });

  it("refuses hooks that could not do what they say", () => {
    const resources = [
      { name: "selector", labelSelector: { matchExpressions: [{ key: "a", operator: "In" as const, values: [] }] } },
      { name: "command", pre: [{ exec: { command: [] } }] },
      { name: "timeout", post: [{ exec: { command: ["sync"], timeout: "soon" } }] },
    ];
    const problems = validateBackup(backup({ hooks: { resources } }), location);
    assert.deepEqual(problems, [
      "spec.hooks.resources[0].labelSelector: a In needs values",
      "spec.hooks.resources[1].pre[0].exec.command is empty",
      'spec.hooks.resources[2].post[0].exec.timeout "soon" is not a duration such as 30s',
    ]);
  });

  it("refuses an order without names, and times that are none", () => {
    const spec: BackupSpec = { orderedResources: { pods: "a/b,,a/c", " ": "x" }, itemOperationTimeout: "4 hours" };
    const problems = validateBackup(backup(spec), location).join("\n");
    assert.match(problems, /orderedResources\["pods"\] must list names/);
    assert.match(problems, /orderedResources\[" "\]/);
    assert.match(problems, /spec\.itemOperationTimeout "4 hours" is not a duration/);
  });

  it("refuses an unknown field of a newer API rather than ignoring it", () => {
    const spec = { brandNewField: 3 } as unknown as BackupSpec;
    assert.match(validateBackup(backup(spec), location).join(), /spec\.brandNewField/);
  });

  it("takes empty selectors and lists for nothing", () => {
    const empty: BackupSpec = {
      labelSelector: { matchLabels: {} },
      orLabelSelectors: [],
      hooks: { resources: [] },
      orderedResources: {},
      snapshotVolumes: false,
      volumeSnapshotLocations: [],
      uploaderConfig: null,
    };
    assert.deepEqual(validateBackup(backup(empty), location), []);
  });

  it("refuses contradicting namespaces and a malformed time to live", () => {
    const spec: BackupSpec = { includedNamespaces: ["a"], excludedNamespaces: ["a"], ttl: "a month" };
    assert.equal(validateBackup(backup(spec), location).length, 2);
    assert.match(validateBackup(backup({ ttl: "-1h" }), location).join(), /spec.ttl/);
    assert.deepEqual(validateBackup(backup({ ttl: "0s" }), location), []);
  });

  it("refuses * beside other names, and * among the excluded ones", () => {
    assert.match(validateBackup(backup({ includedNamespaces: ["*", "a"] }), location).join(), /must stand alone/);
    assert.match(validateBackup(backup({ excludedNamespaces: ["*"] }), location).join(), /must not hold/);
  });

  it("takes patterns of namespaces, and refuses what cannot be a namespace or a pattern", () => {
    const patterns = { includedNamespaces: ["app-*", "fine"], excludedNamespaces: ["app-{a,b}"] };
    assert.deepEqual(validateBackup(backup(patterns), location), []);
    const wrong = { includedNamespaces: ["app-[", "Upper", ""], excludedNamespaces: ["-x"] };
    assert.deepEqual(validateBackup(backup(wrong), location), [
      'pattern "app-[" has a [ without a ]',
      '"Upper" is not the name of a namespace',
      '"" is not the name of a namespace',
      '"-x" is not the name of a namespace',
    ]);
  });

  it("refuses a name under which a store could not keep the files", () => {
    const named = (length: number): Backup => ({ ...backup({}), metadata: { name: "b".repeat(length) } });
    assert.deepEqual(validateBackup(named(200), location), []);
    assert.match(
      validateBackup(named(253), location).join(),
      /^the Backup has a name of 253 characters: stores take 2/,
    );
  });

  it("refuses an annotation with a malformed or useless time for volumes", () => {
    for (const timeout of ["soon", "0", "-5m", ""]) {
      const annotated = {
        ...backup({}),
        metadata: { name: "b", annotations: { "velero.io/pod-volume-timeout": timeout } },
      };
      assert.match(validateBackup(annotated, location).join(), /pod-volume-timeout/, timeout);
    }
    const fine = { ...backup({}), metadata: { name: "b", annotations: { "velero.io/pod-volume-timeout": "90m" } } };
    assert.deepEqual(validateBackup(fine, location), []);
  });

  it("refuses a location that is absent, read-only, unavailable or never validated, and says why", () => {
    assert.match(validateBackup(backup({ storageLocation: "far" }), undefined).join(), /far does not exist/);
    assert.match(validateBackup(backup({}), undefined).join(), /none is the default/);
    const readOnly = { ...location, spec: { ...location.spec, accessMode: "ReadOnly" as const } };
    assert.match(validateBackup(backup({}), readOnly).join(), /read-only/);
    const unavailable = { ...location, status: { phase: "Unavailable" as const, message: "no such bucket" } };
    assert.match(validateBackup(backup({}), unavailable).join(), /no such bucket/);
    assert.match(validateBackup(backup({}), { ...location, status: {} }).join(), /has not been validated/);
  });
});
