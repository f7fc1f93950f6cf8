import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Backup } from "../../../../../../src/api/backup.ts";
import type { Pod } from "../../../../../../src/api/core.ts";
import type { PodVolumeBackup } from "../../../../../../src/api/pod-volume-backup.ts";
import type { ExecRequest } from "../../../../../../src/kube/exec.ts";
import { PodSteps } from "../../../../../../src/server/backup/run/pod-steps.ts";
import { RunLost } from "../../../../../../src/server/backup/run/run-lost.ts";
import { VolumeResults } from "../../../../../../src/server/backup/run/volume-results.ts";
import { ListRunLog } from "../../../../../support/list-run-log.ts";
import { settle } from "../../../../../support/manual-clock.ts";

const both = { "pre.hook.backup.velero.io/command": "freeze", "post.hook.backup.velero.io/command": "thaw" };

function podOf(name: string, annotations: Record<string, string> = both): Pod {
  return {
    metadata: { namespace: "app", name, uid: `${name}-uid`, annotations },
    spec: { containers: [{ name: "app" }] },
    status: { phase: "Running" },
  };
}

function volumeOf(pod: string, phase: "" | "Completed" = ""): PodVolumeBackup {
  const spec = { pod: { namespace: "app", name: pod, uid: `${pod}-uid` } } as PodVolumeBackup["spec"];
  return { metadata: { name: `${pod}-data` }, spec, status: { phase } };
}

class Steps {
  /** In the order in which things happen. */
  readonly story: string[] = [];
  readonly log = new ListRunLog();
  readonly results = new VolumeResults();
  readonly lost = new AbortController();
  readonly steps: PodSteps;
  /** Uids as last noted on the Backup. */
  noted: readonly string[] | undefined;
  exitCodes: Record<string, number> = {};

  constructor(earlier: { readonly openHooks?: readonly string[]; readonly volumes?: readonly PodVolumeBackup[] } = {}) {
    for (const volume of earlier.volumes ?? []) this.results.note(volume);
    this.noted = earlier.openHooks;
    const exec = async ({ pod, command }: ExecRequest) => {
      this.story.push(`${command[0]} ${pod}`);
      return { exitCode: this.exitCodes[command[0] ?? ""] ?? 0, stdout: "", stderr: "" };
    };
    const backup: Backup = { metadata: { name: "b" }, spec: {} };
    this.steps = new PodSteps({
      context: { exec },
      record: {
        ...{ backup, openHooks: earlier.openHooks },
        noteOpenHooks: async (uids) => {
          this.noted = uids;
        },
      },
      volumes: {
        take: async (pod) => {
          this.story.push(`take ${pod.metadata.name}`);
          if (!this.results.has(`${pod.metadata.name}-data`)) this.results.note(volumeOf(pod.metadata.name));
          return [`${pod.metadata.name}-data`];
        },
        leaveOut: async (pod) => void this.story.push(`leave out ${pod.metadata.name}`),
      },
      ...{ results: this.results, log: this.log, signal: this.lost.signal },
    });
  }

  finishVolume(pod: string): void {
    this.results.note(volumeOf(pod, "Completed"));
    this.story.push(`copied ${pod}`);
  }
}

describe("PodSteps", () => {
  it("runs the post hook after the volumes are copied, and notes who is between hooks", async () => {
    const one = new Steps();
    const pod = podOf("web");
    assert.equal(await one.steps.before(pod), true);
    assert.deepEqual(one.noted, ["web-uid"]);
    const after = one.steps.after(pod);
    await settle();
    one.finishVolume("web");
    await after;
    assert.deepEqual(one.story, ["freeze web", "take web", "copied web", "thaw web"]);
    assert.deepEqual(one.noted, []);
    assert.deepEqual(await one.steps.finish(), { attempted: 2, failed: 0 });
  });

  it("does not wait for the volumes of a pod without hooks", async () => {
    const one = new Steps();
    const pod = podOf("plain", {});
    assert.equal(one.steps.hasHooks(pod), false);
    assert.equal(await one.steps.before(pod), true);
    await one.steps.after(pod);
    assert.deepEqual(one.story, ["take plain"]);
    assert.equal(one.noted, undefined, "nothing to be noted");
  });

  it("leaves a pod out whose pre hook fails, without a post hook where nothing had been done", async () => {
    const one = new Steps();
    one.exitCodes = { freeze: 1 };
    assert.equal(await one.steps.before(podOf("web")), false);
    assert.deepEqual(one.story, ["freeze web", "leave out web"]);
    assert.deepEqual([one.noted, one.log.errorCount], [[], 1]);
  });

  it("runs post hooks also when its volumes cannot be asked for, or the Backup is deleted meanwhile", async () => {
    const deleted = new Steps();
    await deleted.steps.before(podOf("web"));
    const after = deleted.steps.after(podOf("web"));
    await settle();
    deleted.lost.abort(new RunLost("deleted"));
    await assert.rejects(after);
    assert.deepEqual(deleted.story, ["freeze web", "take web", "thaw web"]);
    const failed = new Steps();
    await failed.steps.before(podOf("web"));
    await failed.steps.abandon();
    assert.deepEqual(failed.story, ["freeze web", "thaw web"]);
  });

  it("leaves post hooks to the next run when this process ends or has lost the Backup to another", async () => {
    for (const reason of [new Error("shutdown"), new RunLost("taken over")]) {
      const one = new Steps();
      await one.steps.before(podOf("web"));
      const after = one.steps.after(podOf("web"));
      await settle();
      one.lost.abort(reason);
      await assert.rejects(after);
      assert.deepEqual(one.story, ["freeze web", "take web"]);
      assert.deepEqual(one.noted, ["web-uid"]);
    }
  });

  it("gives a pod whose volumes an earlier try has made no second pre hook, but its post hook", async () => {
    const one = new Steps({ openHooks: ["web-uid"], volumes: [volumeOf("web")] });
    await one.steps.before(podOf("web"));
    const after = one.steps.after(podOf("web"));
    await settle();
    one.finishVolume("web");
    await after;
    assert.deepEqual(one.story, ["take web", "copied web", "thaw web"]);
    assert.deepEqual(one.noted, []);
  });

  it("undoes a pre hook of an earlier try that came to nothing before it begins anew", async () => {
    const one = new Steps({ openHooks: ["web-uid"] });
    await one.steps.before(podOf("web"));
    assert.deepEqual(one.story, ["thaw web", "freeze web"]);
  });

  it("runs no hook again for a pod whose post hook has ended", async () => {
    const one = new Steps({ openHooks: [], volumes: [volumeOf("web", "Completed")] });
    assert.equal(one.steps.hasHooks(podOf("web")), false);
    await one.steps.before(podOf("web"));
    await one.steps.after(podOf("web"));
    assert.deepEqual(one.story, ["take web"]);
  });

  it("runs the post hooks of volumes that another program has begun", async () => {
    const one = new Steps({ volumes: [volumeOf("web", "Completed")] });
    await one.steps.before(podOf("web"));
    await one.steps.after(podOf("web"));
    assert.deepEqual(one.story, ["take web", "thaw web"]);
  });
});
