// The tests on a real node say what they need, on any machine.
import assert from "node:assert/strict";
import test from "node:test";
import { ensureMachine } from "../node/support/needs.ts";

test("without root a node is refused with the reason, and nothing is installed", async () => {
  await assert.rejects(ensureMachine(1000), /^Error: a node needs root \(a container runtime, mounts and namespaces\)/);
});
