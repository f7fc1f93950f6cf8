// The tests on a real node say what they need, on any machine.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { ensureMachine, unshareFlags } from "../node/support/needs.ts";

const root = join(import.meta.dirname, "..", "..");

test("without root a node is refused with the reason, and nothing is installed", async () => {
  await assert.rejects(ensureMachine(1000), /^Error: a node needs root \(a container runtime, mounts and namespaces\)/);
});

test(".ci/run asks for the same namespaces as the node, and runs its tests where they can be had", () => {
  const script = readFileSync(join(root, ".ci", "run"), "utf8");
  assert.ok(script.includes(`unshare ${unshareFlags.join(" ")}`));
  assert.match(script, /npm run test:node/);
});
