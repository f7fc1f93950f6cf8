import assert from "node:assert/strict";
import { test } from "node:test";
import type { PersistentVolumeClaim, Pod } from "../../../../../../src/api/core.ts";
import { unusedClaims } from "../../../../../../src/server/backup/volumes/unused-claims.ts";

const claims = new Map<string, PersistentVolumeClaim>(
  ["used", "web-own", "loose", "hidden", "left-out"].map((name) => [
    `shop/${name}`,
    {
      metadata: {
        name,
        namespace: "shop",
        labels: name === "left-out" ? { "velero.io/exclude-from-backup": "true" } : {},
      },
      spec: { volumeName: `pv-${name}` },
    },
  ]),
);
const pod = (name: string, namespace: string, claimName: string, labels: Record<string, string> = {}): Pod => ({
  metadata: { name, namespace, labels },
  spec: {
    containers: [],
    volumes: [
      { name: "data", persistentVolumeClaim: { claimName } },
      { name: "own", ephemeral: {} },
    ],
  },
});

test("claims that no pod of the Backup uses are told with their persistent volumes", () => {
  const found = unusedClaims({
    pods: [
      pod("web", "shop", "used"),
      // Another namespace's claim of that name.
      pod("web", "other", "loose"),
      pod("hidden", "shop", "hidden", { "velero.io/exclude-from-backup": "true" }),
    ],
    claims,
    persistentVolumes: new Map([["pv-loose", { metadata: { name: "pv-loose" } }]]),
  });
  assert.deepEqual(
    found.map(({ pod: user, volume, claim, persistentVolume }) => [
      ...[user, volume, claim?.metadata.name, persistentVolume?.metadata.name],
    ]),
    [
      [undefined, "", "loose", "pv-loose"],
      [undefined, "", "hidden", undefined],
    ],
  );
  assert.equal(found[0]?.reason, "no pod of the Backup uses its claim");
});
