import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Pod } from "../../src/api/core.ts";
import type { RestoreSpec } from "../../src/api/restore.ts";
import { podExec } from "../../src/kube/exec.ts";
import { connectToCluster } from "../../src/kube/kube-connection.ts";
import { TypedClient } from "../../src/kube/typed-client.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { RestoreHooks } from "../../src/server/hooks/restore-hooks.ts";
import { type PlayedKubelet, playKubelet } from "../support/played-kubelet.ts";
import { eventually } from "../support/processes.ts";
import { type RecordedRunLog, recordedRunLog } from "../support/recorded-run-log.ts";
import { type PodWish, type ServerRig, startServerRig } from "../support/server-rig.ts";

describe("restore hooks on a real control plane", { timeout: 120_000 }, () => {
  let rig: ServerRig;
  let kubelet: PlayedKubelet;

  before(async () => {
    rig = await startServerRig();
    kubelet = await playKubelet(rig.controlPlane, "node-1", {
      run: ({ command, stderr }) => {
        if (command[0] !== "bad") return 0;
        stderr("it is bad");
        return 4;
      },
    });
  });

  after(async () => {
    await kubelet?.stop();
    await rig?.stop();
  });

  const path = (name: string): string => `/api/v1/namespaces/app/pods/${name}`;

  const makePod = async (restore: string, wish: PodWish): Promise<Pod> =>
    await rig.makePod({ phase: "Pending", labels: { "velero.io/restore-name": restore }, ...wish });

  const startContainer = async (name: string): Promise<void> => {
    const state = { running: { startedAt: "2026-01-01T00:00:00Z" } };
    const app = { name: "app", image: "none", imageID: "", ready: true, restartCount: 0, state };
    const status = { phase: "Running", containerStatuses: [app] };
    await rig.controlPlane.must("PATCH", `${path(name)}/status`, { status }, "application/merge-patch+json");
  };

  /** With the server's own rights. */
  const hooksOf = async (
    name: string,
    hooks: RestoreSpec["hooks"] = null,
  ): Promise<{ hooks: RestoreHooks; log: RecordedRunLog }> => {
    const connection = connectToCluster(await rig.controlPlane.serviceAccountKubeconfig("velero", "stowage-server"));
    const log = recordedRunLog();
    const options = {
      restore: { metadata: { name, uid: `uid-${name}` }, spec: { hooks } },
      client: new TypedClient({ connection }),
      exec: podExec(connection),
      ...{ log, clock: systemClock, defaultWaitMs: 30_000, signal: new AbortController().signal },
    };
    return { hooks: new RestoreHooks(options), log };
  };

  const annotation = async (name: string): Promise<unknown> => {
    const { metadata } = (await rig.controlPlane.must("GET", path(name))) as Pod;
    return JSON.parse(metadata.annotations?.["stowage.dev/restore-hooks"] ?? "null");
  };

  it("run once their containers run, as annotations and spec say, and are counted", async () => {
    const spec = { resources: [{ name: "load", postHooks: [{ exec: { command: ["load", "all"] } }] }] };
    const { hooks, log } = await hooksOf("first", spec);
    const annotations = {
      "post.hook.restore.velero.io/command": '["bad", "words"]',
      "post.hook.restore.velero.io/on-error": "Continue",
    };
    hooks.begin(await makePod("first", { name: "plain" }));
    hooks.begin(await makePod("first", { name: "annotated", annotations }));
    await startContainer("annotated");
    await eventually("the first hook has ended", () => hooks.waitingPods === 1);
    assert.deepEqual(kubelet.commands, ["app/annotated/app: bad words"]);
    await startContainer("plain");
    assert.deepEqual(await hooks.finish(), { attempted: 2, failed: 1 });
    assert.equal(kubelet.commands.at(-1), "app/plain/app: load all");
    assert.deepEqual(log.errors, []);
    assert.deepEqual(log.warnings, [
      "namespace app: post hook of the pod's annotations in pod app/annotated failed: exit code 4: it is bad",
    ]);
    assert.deepEqual(await annotation("plain"), { restore: "uid-first", attempted: 1, failed: 0 });
    assert.deepEqual(await annotation("annotated"), { restore: "uid-first", attempted: 1, failed: 1 });
  });

  it("fail at once when their pod is deleted while they wait", async () => {
    const { hooks, log } = await hooksOf("second");
    const annotations = { "post.hook.restore.velero.io/command": "late" };
    hooks.begin(await makePod("second", { name: "short-lived", annotations }));
    hooks.begin(await makePod("second", { name: "without-hooks" }));
    assert.equal(hooks.waitingPods, 1);
    const ending = hooks.finish();
    await rig.controlPlane.must("DELETE", path("short-lived"));
    assert.deepEqual(await ending, { attempted: 1, failed: 1 });
    assert.match(log.errors.join(), /the pod was deleted or replaced before the hook could run/);
  });
});
