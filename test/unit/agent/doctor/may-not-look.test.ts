import assert from "node:assert/strict";
import { test } from "node:test";
import { mayNotLook } from "../../../../agent/doctor/may-not-look.ts";
import { KubeError } from "../../../../src/kube/kube-errors.ts";

test("what the user may not see is skipped from outside, and a failure where the agent itself asks", () => {
  const forbidden = new KubeError("forbidden", "cannot get secrets velero/x: no");
  const finding = mayNotLook(forbidden, "outside");
  assert.deepEqual(
    [finding?.outcome, finding?.message],
    ["skipped", "you may not look: cannot get secrets velero/x: no"],
  );
  assert.equal(mayNotLook(forbidden, "pod"), undefined);
  assert.equal(mayNotLook(new KubeError("not-found", "x"), "outside"), undefined);
});
