import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parse } from "yaml";
import type { DownloadTargetKind } from "../../../../../src/api/requests.ts";
import { keyOf } from "../../../../../src/server/location-store/layout.ts";
import { storedFileOf } from "../../../../../src/server/requests/download-target.ts";

const crd = join(import.meta.dirname, "../../../../../manifests/crds/downloadrequests.yaml");

function kindsOfCrd(): DownloadTargetKind[] {
  const { spec } = parse(readFileSync(crd, "utf8"));
  return spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.target.properties.kind.enum;
}

describe("storedFileOf", () => {
  it("knows every kind that the CRD lets through, each with a file of its own", () => {
    const kinds = kindsOfCrd();
    const keys = kinds.map((kind) => keyOf(storedFileOf(kind, "b") ?? assert.fail(kind)));
    assert.equal(new Set(keys).size, kinds.length);
    assert.ok(kinds.length >= 14);
    for (const [index, kind] of kinds.entries()) {
      assert.equal(keys[index]?.startsWith(kind.startsWith("Restore") ? "restores/b/" : "backups/b/"), true, kind);
    }
  });

  it("knows no kind of a newer Velero", () => {
    assert.equal(storedFileOf("BackupOfTomorrow" as DownloadTargetKind, "b"), undefined);
  });
});
