import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Pod } from "../../../../../../src/api/core.ts";
import {
  chooseVolumes,
  claimNameOf,
  isBlockDevice,
  isMounted,
} from "../../../../../../src/server/backup/volumes/choose-volumes.ts";

function pod(annotations: Record<string, string>, extra: Partial<Pod["spec"]> = {}): Pod {
  return {
    metadata: { name: "app", namespace: "shop", annotations },
    spec: {
      containers: [
        {
          name: "main",
          volumeMounts: [{ name: "data", mountPath: "/data" }],
          volumeDevices: [{ name: "raw", devicePath: "/dev/x" }],
        },
      ],
      volumes: [
        { name: "data", persistentVolumeClaim: { claimName: "data-0" } },
        { name: "scratch", emptyDir: {} },
        { name: "settings", configMap: {} },
        { name: "keys", secret: {} },
        { name: "logs", hostPath: { path: "/var/log" } },
        { name: "token", projected: {} },
        { name: "labels", downwardAPI: {} },
        { name: "default-token-x1", emptyDir: {} },
        { name: "raw", ephemeral: {} },
      ],
      ...extra,
    },
  };
}

const names = (chosen: ReturnType<typeof chooseVolumes>): string[] => chosen.volumes.map((volume) => volume.name);

describe("chooseVolumes", () => {
  it("takes nothing without an annotation when pods opt in", () => {
    assert.deepEqual(names(chooseVolumes(pod({}), { mode: "opt-in" })), []);
    assert.deepEqual(names(chooseVolumes(pod({ "backup.velero.io/backup-volumes": "" }), { mode: "opt-in" })), []);
  });

  it("takes the listed volumes, once and in their order, and refuses what the API server or the node owns", () => {
    const listed = pod({
      "backup.velero.io/backup-volumes": "scratch,data,settings,keys,logs,token,labels,default-token-x1,data",
    });
    const chosen = chooseVolumes(listed, { mode: "opt-in" });
    assert.deepEqual(names(chosen), ["scratch", "data"]);
    assert.deepEqual(
      chosen.left.filter(({ weight }) => weight === "warning").map(({ volume }) => volume.name),
      ["settings", "keys", "logs", "token", "labels", "default-token-x1"],
    );
  });

  it("takes names literally: a blank belongs to the name, and unknown names are told", () => {
    const chosen = chooseVolumes(pod({ "backup.velero.io/backup-volumes": "data, scratch" }), { mode: "opt-in" });
    assert.deepEqual(names(chosen), ["data"]);
    assert.deepEqual(chosen.unknownNames, [" scratch"]);
  });

  it("takes all but the excluded volumes when pods opt out, whatever the opt-in list says", () => {
    const opted = pod({
      "backup.velero.io/backup-volumes-excludes": "scratch",
      "backup.velero.io/backup-volumes": "scratch",
    });
    assert.deepEqual(names(chooseVolumes(opted, { mode: "opt-out" })), ["data", "raw"]);
  });
});

describe("isMounted and isBlockDevice", () => {
  it("look at regular containers only", () => {
    const initOnly = pod(
      {},
      {
        containers: [{ name: "main" }],
        initContainers: [{ name: "i", volumeMounts: [{ name: "data", mountPath: "/d" }] }],
      },
    );
    const [data] = initOnly.spec?.volumes ?? [];
    assert.ok(data);
    assert.equal(isMounted(initOnly, data), false);
    assert.equal(isMounted(pod({}), data), true);
    const raw = pod({}).spec?.volumes?.find((volume) => volume.name === "raw");
    assert.ok(raw);
    assert.equal(isBlockDevice(pod({}), raw), true);
  });
});

describe("claimNameOf", () => {
  it("knows named claims and those that are generated for ephemeral volumes", () => {
    const [data, scratch] = pod({}).spec?.volumes ?? [];
    assert.ok(data && scratch);
    assert.equal(claimNameOf(pod({}), data), "data-0");
    assert.equal(claimNameOf(pod({}), scratch), undefined);
    assert.equal(claimNameOf(pod({}), { name: "raw", ephemeral: {} }), "app-raw");
  });
});
