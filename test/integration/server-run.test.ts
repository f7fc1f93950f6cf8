// tmp
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type ServerRig, startServerRig } from "../support/server-rig.ts";

let rig: ServerRig;
before(async () => {
  rig = await startServerRig();
  await rig.makeLocation("default", { default: true });
  await rig.makeAgentPod("node-1");
  await rig.startServer();
});
after(() => rig.stop());
describe("x", () => {
  it("y", async () => {
    await rig.makeClaim({ namespace: "shop", name: "claim" });
    const volumes = [
      { name: "data", persistentVolumeClaim: { claimName: "claim" } },
      { name: "cache", emptyDir: {} },
    ];
    await rig.makePod({
      namespace: "shop",
      name: "web",
      volumes,
      annotations: { "backup.velero.io/backup-volumes": "data" },
    });
    await rig.makeBackup("b", { spec: { includedNamespaces: ["shop"] } });
    await rig.when("podvolumebackups", "x", () => true, 3000).catch(() => undefined);
    await rig.settle("b");
    const end = await rig.backupEnd("b");

    console.log(execFileSync("find", [join(rig.folder, "default"), "-type", "f"]).toString());
    for (const f of ["-volumeinfo.json.gz", "-podvolumebackups.json.gz", "-results.gz", "-logs.gz"])
      console.log(execFileSync("bash", ["-c", `find ${rig.folder}/default -name 'b${f}' | xargs zcat`]).toString());
    assert.equal(end.status?.phase, "Completed");
  });
});
