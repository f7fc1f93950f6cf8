import assert from "node:assert/strict";
import { test } from "node:test";
import type { BackupSpec } from "../../../../../src/api/backup.ts";
import type { RestoreSpec } from "../../../../../src/api/restore.ts";
import { validateBackupHooks, validateRestoreHooks } from "../../../../../src/server/hooks/validate-hooks.ts";

test("good hooks of a Backup are accepted", () => {
  assert.deepEqual(validateBackupHooks(undefined), []);
  const good: BackupSpec["hooks"] = {
    resources: [
      {
        name: "a",
        labelSelector: { matchLabels: { app: "db" } },
        pre: [{ exec: { command: ["sync"], timeout: "1m30s" } }],
        post: [{ exec: { command: ["sync"] } }],
      },
      { name: "b" },
    ],
  };
  assert.deepEqual(validateBackupHooks(good), []);
});

test("hooks of a Backup that could never run are refused with their place", () => {
  const bad = {
    resources: [
      { name: "a", pre: [{ exec: { command: [], timeout: "soon" } }, {}] },
      { name: "b", labelSelector: { matchExpressions: [{ key: "k", operator: "In" }] }, post: [{ exec: {} }] },
    ],
  } as unknown as BackupSpec["hooks"];
  assert.deepEqual(validateBackupHooks(bad), [
    "spec.hooks.resources[0].pre[0].exec.command is empty",
    'spec.hooks.resources[0].pre[0].exec.timeout "soon" is not a duration such as 30s',
    "spec.hooks.resources[0].pre[1] has no exec",
    "spec.hooks.resources[1].labelSelector: k In needs values",
    "spec.hooks.resources[1].post[0].exec.command is empty",
  ]);
});

test("good hooks of a Restore are accepted", () => {
  const good: RestoreSpec["hooks"] = {
    resources: [
      {
        name: "a",
        postHooks: [
          { exec: { command: ["load"], execTimeout: "1m", waitTimeout: "5m", waitForReady: true } },
          { init: { initContainers: [{ name: "prepare", image: "alpine:3" }], timeout: "1m" } },
        ],
      },
    ],
  };
  assert.deepEqual([validateRestoreHooks(undefined), validateRestoreHooks(good)], [[], []]);
});

test("hooks of a Restore that could never run are refused with their place", () => {
  const bad = {
    resources: [
      {
        name: "a",
        labelSelector: { matchExpressions: [{ key: "k", operator: "Like" }] },
        postHooks: [
          {},
          { exec: { command: [], execTimeout: "x", waitTimeout: "-1s" } },
          { init: { initContainers: [{ name: "p" }, null] } },
        ],
      },
    ],
  } as unknown as RestoreSpec["hooks"];
  assert.deepEqual(validateRestoreHooks(bad), [
    "spec.hooks.resources[0].labelSelector: k has the unknown operator Like",
    "spec.hooks.resources[0].postHooks[0] has neither exec nor init",
    "spec.hooks.resources[0].postHooks[1].exec.command is empty",
    'spec.hooks.resources[0].postHooks[1].exec.execTimeout "x" is not a duration such as 30s',
    'spec.hooks.resources[0].postHooks[1].exec.waitTimeout "-1s" is not a duration such as 30s',
    "spec.hooks.resources[0].postHooks[2].init.initContainers[0] needs a name and an image",
    "spec.hooks.resources[0].postHooks[2].init.initContainers[1] needs a name and an image",
  ]);
});
