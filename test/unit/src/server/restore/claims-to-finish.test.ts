import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { KubeObject } from "../../../../../src/api/kube-object.ts";
import { claimsToFinish } from "../../../../../src/server/restore/claims-to-finish.ts";
import type { OpenedBackup } from "../../../../../src/server/restore/open-backup.ts";
import { recordedRunLog } from "../../../../support/recorded-run-log.ts";

const claim = { namespace: "new", name: "data" };
const reprovisioned = [{ claim, sourceNamespace: "old", persistentVolume: "pv-1" }];

async function finishing(volumeInfo: OpenedBackup["volumeInfo"], saved?: () => KubeObject): Promise<unknown> {
  const contents = {
    addresses: (kind: string) => (kind === "persistentvolumes" && saved !== undefined ? [{ name: "pv-1" }] : []),
    read: async () => saved?.(),
  } as unknown as OpenedBackup["contents"];
  return await claimsToFinish(reprovisioned, { contents, volumeInfo }, recordedRunLog());
}

const volume = (): KubeObject =>
  ({
    metadata: { name: "pv-1", labels: { from: "tarball" } },
    spec: { persistentVolumeReclaimPolicy: "Retain" },
  }) as KubeObject;

describe("claimsToFinish()", () => {
  it("takes policy and labels from the Backup's list of volumes", async () => {
    const info = [{ pvName: "pv-1", pvInfo: { reclaimPolicy: "Delete", labels: { from: "list" } } }];
    assert.deepEqual(await finishing(info, volume), [{ ...claim, reclaimPolicy: "Delete", labels: { from: "list" } }]);
  });

  it("takes them from the saved volume where there is no list, or it does not say", async () => {
    const expected = [{ ...claim, reclaimPolicy: "Retain", labels: { from: "tarball" } }];
    assert.deepEqual(await finishing(undefined, volume), expected);
    assert.deepEqual(await finishing([{ pvName: "pv-1", pvInfo: null }], volume), expected);
  });

  it("knows nothing where the volume is not in the Backup or cannot be read", async () => {
    const nothing = [{ ...claim, reclaimPolicy: "", labels: {} }];
    assert.deepEqual(await finishing(undefined), nothing);
    const broken = (): never => {
      throw new Error("not JSON");
    };
    assert.deepEqual(await finishing(undefined, broken), nothing);
  });
});
