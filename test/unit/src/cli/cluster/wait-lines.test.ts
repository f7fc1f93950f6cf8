import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PodVolumePhase } from "../../../../../src/api/phases.ts";
import { type VolumeState, waitLines } from "../../../../../src/cli/cluster/wait-lines.ts";

const volume = (name: string, phase: PodVolumePhase | "", totalBytes = 0, bytesDone = 0): VolumeState => ({
  spec: { pod: { namespace: "shop", name }, volume: "data" },
  status: { phase, progress: { totalBytes, bytesDone } },
});

const state = { secondsElapsed: 65, phase: "InProgress", itemsDone: 0, totalItems: 0, volumes: [] };

describe("waitLines", () => {
  it("says nothing of what is not known yet", () => {
    assert.deepEqual(waitLines({ ...state, phase: "New" }), ["[1:05]  New"]);
  });

  it("counts items, volumes that have ended, bytes and failures", () => {
    const volumes = [volume("a", "Completed", 1024, 1024), volume("b", "Failed"), volume("c", "", 0)];
    assert.deepEqual(waitLines({ ...state, itemsDone: 3, totalItems: 9, volumes }), [
      "[1:05]  InProgress  3 / 9 items  2 / 3 volumes  1.000 KiB / 1.000 KiB  1 failed",
    ]);
  });

  it("names at most three volumes that are being worked on, with their share", () => {
    const volumes = ["a", "b", "c", "d"].map((name) => volume(name, "InProgress", name === "a" ? 0 : 200, 50));
    assert.deepEqual(waitLines({ ...state, volumes }).slice(1), [
      "  shop/a  data",
      "  shop/b  data  25.00%",
      "  shop/c  data  25.00%",
    ]);
  });
});
