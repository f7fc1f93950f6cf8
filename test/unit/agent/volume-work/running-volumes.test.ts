import assert from "node:assert/strict";
import { test } from "node:test";
import type { TransferControl } from "../../../../agent/data-path/data-path-manager.ts";
import { RunningVolumes } from "../../../../agent/volume-work/running-volumes.ts";
import type { VolumeObject, VolumeWork } from "../../../../agent/volume-work/volume-work.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

test("a transfer is seen while it runs, with the time at which it last came forward", async () => {
  const clock = new FakeClock();
  const waits: number[] = [];
  const running = new RunningVolumes(clock, { observe: (value) => waits.push(value), remove: () => undefined });
  const created = new Date(clock.now() - 5000).toISOString();
  const object: VolumeObject = {
    metadata: { name: "b", creationTimestamp: created },
    spec: { volume: "data", pod: { namespace: "app", name: "web" } },
  };
  const end = Promise.withResolvers<string>();
  let inner: TransferControl | undefined;
  const work = {
    direction: "backup",
    transfer: (_: unknown, control: TransferControl) => {
      inner = control;
      return end.promise;
    },
  } as unknown as VolumeWork<VolumeObject, string>;
  const reported: unknown[] = [];
  const control = { report: (progress: unknown) => reported.push(progress) } as unknown as TransferControl;
  const startMs = clock.now();
  const result = running.watch(work).transfer(object, control);
  assert.deepEqual(waits, [5]);
  await clock.advance(1000);
  inner?.report({ bytesDone: 4, totalBytes: 10 });
  await clock.advance(1000);
  inner?.report({ bytesDone: 4, totalBytes: 12 });
  const expected = { direction: "backup", namespace: "app", pod: "web", volume: "data", bytesDone: 4, totalBytes: 12 };
  assert.deepEqual(running.list(), [{ ...expected, startMs, progressMs: startMs + 1000 }]);
  assert.equal(reported.length, 2);
  end.resolve("done");
  assert.equal(await result, "done");
  assert.deepEqual(running.list(), []);
});
