import assert from "node:assert/strict";
import { test } from "node:test";
import { TaskGate } from "../../../../repo-format/workers/task-gate.ts";

test("those who find no room are asked again in turns, when a task ends or the limit rises", () => {
  const gate = new TaskGate();
  gate.setLimit(1);
  gate.take();
  assert.equal(gate.hasRoom, false);
  const given: string[] = [];
  const wants = (name: string, tasks: number) => {
    let left = tasks;
    const dispatch = (): void => {
      for (; left > 0; left--) {
        if (!gate.hasRoom) {
          gate.whenRoom(dispatch);
          return;
        }
        gate.take();
        given.push(name);
      }
    };
    dispatch();
  };
  wants("a", 3);
  wants("b", 3);
  assert.deepEqual(given, []);
  for (let ended = 0; ended < 4; ended++) gate.release();
  assert.deepEqual(given, ["a", "b", "a", "b"]);
  gate.setLimit(3);
  assert.deepEqual(given.slice(4), ["a", "b"]);
  assert.equal(gate.used, 3);
});

test("at least one task goes through, and without a limit any number", () => {
  const gate = new TaskGate();
  for (let task = 0; task < 1000; task++) gate.take();
  assert.equal(gate.hasRoom, true);
  gate.setLimit(0);
  for (let task = 0; task < 1000; task++) gate.release();
  assert.equal(gate.hasRoom, true);
});
