import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PodVolumePhase } from "../../../../../../src/api/phases.ts";
import type { PodVolumeBackup } from "../../../../../../src/api/pod-volume-backup.ts";
import { VolumeResults } from "../../../../../../src/server/backup/run/volume-results.ts";

function volume(name: string, phase: PodVolumePhase | "", resourceVersion = "1"): PodVolumeBackup {
  return { metadata: { name, resourceVersion }, spec: {} as PodVolumeBackup["spec"], status: { phase } };
}

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  return await Promise.race([
    promise.then(() => true),
    new Promise<boolean>((resolve) => setImmediate(resolve, false)),
  ]);
}

const names = (list: readonly PodVolumeBackup[]): string[] => list.map(({ metadata }) => metadata.name);

describe("VolumeResults", () => {
  it("resolve a wait when all of its volumes have ended, however they did", async () => {
    const results = new VolumeResults();
    for (const name of ["a", "b", "c"]) results.note(volume(name, ""));
    const waiting = results.ended(["a", "b"]);
    results.note(volume("a", "Completed", "2"));
    assert.equal(await isSettled(waiting), false);
    results.note(volume("b", "Failed", "2"));
    assert.equal(await isSettled(waiting), true);
    assert.deepEqual([names(results.finished), names(results.unfinished)], [["a", "b"], ["c"]]);
    assert.equal(await isSettled(results.ended([])), true);
  });

  it("keep what has ended when it is deleted afterwards", () => {
    const results = new VolumeResults();
    results.note(volume("a", "Completed"));
    results.noteDeleted("a");
    assert.deepEqual([names(results.finished), names(results.lost)], [["a"], []]);
  });

  it("count what is deleted before its end as lost, and wait for it no longer", async () => {
    const results = new VolumeResults();
    results.note(volume("a", "InProgress"));
    const waiting = results.ended(["a"]);
    results.noteDeleted("a");
    assert.equal(await isSettled(waiting), true);
    assert.deepEqual([names(results.lost), names(results.unfinished), names(results.finished)], [["a"], [], []]);
  });

  it("do not go back to an older state, nor from an end to anything else", () => {
    const results = new VolumeResults();
    results.note(volume("a", "InProgress", "10"));
    results.note(volume("a", "New", "9"));
    assert.equal(results.unfinished[0]?.status?.phase, "InProgress");
    results.note(volume("a", "Completed", "11"));
    results.note(volume("a", "Failed", "12"));
    assert.equal(results.finished[0]?.status?.phase, "Completed");
  });

  it("learn from a list what was deleted unseen, but not of volumes that are younger than the list", () => {
    const results = new VolumeResults();
    results.note(volume("gone", ""));
    results.note(volume("there", ""));
    const known = results.names;
    results.note(volume("young", ""));
    results.noteList([volume("there", "Completed", "5")], known);
    assert.deepEqual([names(results.lost), names(results.finished)], [["gone"], ["there"]]);
    assert.deepEqual(names(results.unfinished), ["young"]);
  });

  it("wait for volumes that nobody has told of yet", async () => {
    const results = new VolumeResults();
    const waiting = results.ended(["late"]);
    assert.equal(await isSettled(waiting), false);
    results.note(volume("late", "Completed"));
    assert.equal(await isSettled(waiting), true);
  });
});
