import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PodVolumeBackup } from "../../../../../../src/api/pod-volume-backup.ts";
import { podVolumeBackups } from "../../../../../../src/api/resources.ts";
import { KubeError } from "../../../../../../src/kube/kube-errors.ts";
import { superviseVolumes } from "../../../../../../src/server/backup/run/supervise-volumes.ts";
import { VolumeResults } from "../../../../../../src/server/backup/run/volume-results.ts";
import { BackupRig } from "../../../../../support/backup-rig.ts";

const hourMs = 3_600_000;

class Supervised {
  readonly rig = new BackupRig();
  readonly results = new VolumeResults();
  readonly #over = new AbortController();
  #running: Promise<void> | undefined;

  constructor(phase: "InProgress" | "") {
    this.rig.putBackup({ phase: "InProgress", startTimestamp: "2024-05-01T00:00:00Z" });
    this.put("a", { phase });
    this.results.note(this.volume("a"));
  }

  put(name: string, status: object): void {
    const labels = { "velero.io/backup-uid": "b-uid" };
    const spec = { node: "n1", volume: "data", pod: { namespace: "app", name: "web" } };
    this.rig.table.put(podVolumeBackups, { metadata: { name, namespace: "velero", labels }, spec, status });
  }

  volume(name: string): PodVolumeBackup {
    return this.rig.table.must<PodVolumeBackup>(podVolumeBackups, { namespace: "velero", name });
  }

  begin(): void {
    const record = { backup: this.rig.backup };
    const { results } = this;
    this.#running = superviseVolumes({ record, results, context: this.rig.context, signal: this.#over.signal });
  }

  async end(): Promise<void> {
    this.#over.abort();
    await this.#running;
  }
}

describe("superviseVolumes", () => {
  it("finds out within half a minute what the watch has missed", async () => {
    const supervised = new Supervised("InProgress");
    supervised.begin();
    supervised.put("a", { phase: "Completed" });
    await supervised.rig.clock.advance(30_000);
    assert.equal(supervised.results.finished.length, 1);
    supervised.rig.table.remove(podVolumeBackups, { namespace: "velero", name: "a" });
    await supervised.rig.clock.advance(30_000);
    assert.equal(supervised.results.finished.length, 1, "what has ended stays");
    await supervised.end();
  });

  it("ends what nobody works on when the time is over", async () => {
    const supervised = new Supervised("");
    supervised.begin();
    await supervised.rig.clock.advance(hourMs - 1000);
    assert.equal(supervised.volume("a").status?.phase, "");
    await supervised.rig.clock.advance(1000);
    const { phase, message } = supervised.volume("a").status ?? {};
    assert.equal(phase, "Failed");
    assert.match(message ?? "", /^not finished within 1h0m0s.*--fs-backup-timeout.*pod-volume-timeout/);
    await supervised.rig.clock.advance(1000);
    assert.equal(supervised.results.unfinished.length, 0);
    await supervised.end();
  });

  it("gives agents half a minute to stop, and then ends their volumes itself", async () => {
    const supervised = new Supervised("InProgress");
    supervised.begin();
    await supervised.rig.clock.advance(hourMs);
    const { spec, status } = supervised.volume("a");
    assert.deepEqual([spec.cancel, status?.phase], [true, "InProgress"]);
    await supervised.rig.clock.advance(29_000);
    assert.equal(supervised.volume("a").status?.phase, "InProgress");
    await supervised.rig.clock.advance(3000);
    assert.match(supervised.volume("a").status?.message ?? "", /the agent of node n1 did not stop/);
    await supervised.end();
  });

  it("goes on after an outage", async () => {
    const supervised = new Supervised("");
    let outages = 0;
    supervised.rig.table.beforeWrite = () => {
      if (outages++ < 3) throw new KubeError("unavailable", "no answer");
    };
    supervised.begin();
    await supervised.rig.clock.advance(hourMs + 10_000);
    assert.equal(supervised.volume("a").status?.phase, "Failed");
    await supervised.end();
  });
});
