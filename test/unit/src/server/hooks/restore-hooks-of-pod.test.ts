import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "../../../../../src/api/core.ts";
import type { RestoreSpec } from "../../../../../src/api/restore.ts";
import { restoreHooksOfPod } from "../../../../../src/server/hooks/restore-hooks-of-pod.ts";

const pod = (annotations: Record<string, string> = {}): Pod => ({
  metadata: { name: "db-0", namespace: "shop", annotations },
  spec: { containers: [{ name: "db" }] },
});
const prefix = "post.hook.restore.velero.io/";
const spec: RestoreSpec["hooks"] = {
  resources: [
    { name: "others", excludedNamespaces: ["shop"], postHooks: [{ exec: { command: ["x"] } }] },
    {
      name: "load",
      postHooks: [
        { init: { initContainers: [] } },
        {
          exec: {
            ...{ container: "side", command: ["a", "b"], onError: "Continue", execTimeout: "2m", waitTimeout: "5m" },
            waitForReady: true,
          },
        },
        { exec: { command: ["c"], execTimeout: "0s", waitTimeout: "0s", waitForReady: null } },
      ],
    },
  ],
};

test("the exec hooks of the spec that select a pod are its restore hooks", () => {
  assert.deepEqual(restoreHooksOfPod(pod(), spec).hooks, [
    {
      ...{ name: "load", container: "side", command: ["a", "b"], onError: "Continue" },
      ...{ timeoutMs: 120_000, waitMs: 300_000, waitForReady: true },
    },
    {
      ...{ name: "load", container: "", command: ["c"], onError: "Fail" },
      ...{ timeoutMs: 30_000, waitMs: undefined, waitForReady: false },
    },
  ]);
  assert.deepEqual(restoreHooksOfPod(pod(), undefined), { hooks: [], warnings: [] });
});

test("a hook in the annotations replaces those of the spec", () => {
  const { hooks, warnings } = restoreHooksOfPod(
    pod({
      [`${prefix}command`]: '["load","all"]',
      [`${prefix}container`]: "side",
      [`${prefix}on-error`]: "Continue",
      [`${prefix}exec-timeout`]: "10s",
      [`${prefix}wait-timeout`]: "20s",
      [`${prefix}wait-for-ready`]: "True",
    }),
    spec,
  );
  assert.deepEqual(hooks, [
    {
      ...{ name: "of the pod's annotations", container: "side", command: ["load", "all"], onError: "Continue" },
      ...{ timeoutMs: 10_000, waitMs: 20_000, waitForReady: true },
    },
  ]);
  assert.deepEqual(warnings, []);
});

test("annotations that cannot be used are told, and the defaults hold", () => {
  const { hooks, warnings } = restoreHooksOfPod(
    pod({ [`${prefix}command`]: "x", [`${prefix}wait-timeout`]: "-5s", [`${prefix}wait-for-ready`]: "yes" }),
    spec,
  );
  assert.deepEqual(
    hooks.map(({ command, onError, timeoutMs, waitMs, waitForReady }) => [
      ...[command, onError, timeoutMs, waitMs, waitForReady],
    ]),
    [[["x"], "Fail", 30_000, undefined, false]],
  );
  assert.equal(warnings.length, 2);
  assert.match(warnings.join("\n"), /wait-timeout is "-5s", not a duration/);
  assert.match(warnings.join("\n"), /wait-for-ready is "yes", neither true nor false/);
});
