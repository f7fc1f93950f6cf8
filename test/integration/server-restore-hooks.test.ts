// Restores with hooks on the real control plane, with the server's own rights. The test plays scheduler and kubelet.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { RestoreSpec } from "../../src/api/restore.ts";
import { type PlayedKubelet, playKubelet } from "../support/played-kubelet.ts";
import { eventually } from "../support/processes.ts";
import { RestoreRig, savedPod } from "../support/restore-rig.ts";
import { type ServerRig, startServerRig } from "../support/server-rig.ts";

describe("a Restore with hooks", { timeout: 120_000 }, () => {
  let rig: ServerRig;
  let restores: RestoreRig;
  let kubelet: PlayedKubelet;

  before(async () => {
    rig = await startServerRig();
    restores = new RestoreRig(rig);
    await rig.makeLocation("default", { default: true });
    kubelet = await playKubelet(rig.controlPlane, "node-1", {
      run: ({ command, stdout }) => {
        stdout(`this is ${command[0]}`);
        return command[0] === "bad" ? 4 : 0;
      },
    });
    const annotations = { "post.hook.restore.velero.io/command": "bad" };
    await restores.storeBackup("backup", {
      objects: {
        namespaces: [{ apiVersion: "v1", kind: "Namespace", metadata: { name: "from" } }],
        pods: [savedPod("from", "annotated", { metadata: { annotations } }), savedPod("from", "plain")],
      },
    });
  });

  after(async () => {
    await kubelet?.stop();
    await rig?.stop();
  });

  const run = async (namespace: string, name: string): Promise<void> => {
    const pod = await restores.pod(namespace, name);
    await restores.bind(pod, "node-1");
    const state = { running: { startedAt: "2026-01-01T00:00:00Z" } };
    const app = { name: "app", image: "none", imageID: "", ready: true, restartCount: 0, state };
    await restores.setPodStatus(pod, { phase: "Running", containerStatuses: [app] });
  };

  const spec = (namespace: string): RestoreSpec => ({
    backupName: "backup",
    namespaceMapping: { from: namespace },
    hooks: {
      resources: [
        { name: "elsewhere", includedNamespaces: ["from"], postHooks: [{ exec: { command: ["never"] } }] },
        {
          ...{ name: "load", includedNamespaces: [namespace] },
          postHooks: [
            { init: { initContainers: [{ name: "prepare", image: "none", command: ["prepare"] }] } },
            { exec: { command: ["load"] } },
          ],
        },
      ],
    },
  });

  it("puts init containers into pods, runs commands once containers run, and counts and tells what failed", async () => {
    const server = await rig.startServer();
    await restores.makeRestore("hooked", { spec: spec("to") });
    const { spec: made } = await restores.pod("to", "plain");
    assert.deepEqual(
      made?.initContainers?.map(({ name, command }) => [name, command]),
      [["prepare", ["prepare"]]],
    );
    await run("to", "plain");
    await eventually("the first hook has run", () => kubelet.commands.includes("to/plain/app: load"));
    await run("to", "annotated");
    const { status } = await restores.restoreEnd("hooked");
    assert.deepEqual(status?.hookStatus, { hooksAttempted: 2, hooksFailed: 1 });
    assert.deepEqual([status?.phase, status?.errors], ["PartiallyFailed", 1]);
    assert.deepEqual(kubelet.commands.slice().sort(), ["to/annotated/app: bad", "to/plain/app: load"]);
    const [error] = restores.results("hooked").errors.namespaces?.to ?? [];
    assert.match(
      error ?? "",
      /^post hook of the pod's annotations in pod to\/annotated failed: exit code 4: this is bad/,
    );
    assert.match(restores.readFile("hooked", "restore-hooked-logs.gz"), /msg="a post hook has ended".*"?this is load/);
    await server.stop();
  });

  it("does not wait for a pod that is deleted", async () => {
    const server = await rig.startServer();
    await restores.makeRestore("deleted", { spec: spec("gone") });
    await run("gone", "annotated");
    await restores.deletePod(await restores.pod("gone", "plain"));
    const { status } = await restores.restoreEnd("deleted");
    assert.deepEqual(status?.hookStatus, { hooksAttempted: 2, hooksFailed: 2 });
    assert.match(
      JSON.stringify(restores.results("deleted")),
      /the pod was deleted or replaced before the hook could run/,
    );
    await server.stop();
  });

  it("goes on with its hooks after a restart, and runs none twice", async () => {
    const server = await rig.startServer();
    await restores.makeRestore("again", { spec: spec("later") });
    await run("later", "plain");
    await eventually("the pod is marked", async () => {
      const { metadata } = await restores.pod("later", "plain");
      return metadata.annotations?.["stowage.dev/restore-hooks"]?.includes('"ended"') === true;
    });
    server.signal("SIGKILL");
    await server.ended;
    await rig.startServer();
    await run("later", "annotated");
    const { status } = await restores.restoreEnd("again");
    assert.deepEqual(status?.hookStatus, { hooksAttempted: 2, hooksFailed: 1 });
    const own = kubelet.commands.filter((command) => command.startsWith("later/"));
    assert.deepEqual(own, ["later/plain/app: load", "later/annotated/app: bad"]);
  });
});
