import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BackupResourceHook, BackupSpec } from "../../../../../src/api/backup.ts";
import type { Pod } from "../../../../../src/api/core.ts";
import { hooksOfPod } from "../../../../../src/server/hooks/hooks-of-pod.ts";

const pod = (annotations: Record<string, string> = {}, phase = "Running"): Pod => ({
  metadata: { name: "db-0", namespace: "shop", annotations, labels: { app: "db" } },
  spec: { containers: [{ name: "db" }, { name: "side" }] },
  status: { phase },
});

const spec = (...resources: BackupResourceHook[]): BackupSpec["hooks"] => ({ resources });
const both: BackupResourceHook = {
  name: "quiet",
  pre: [{ exec: { command: ["freeze"], container: "side", onError: "Continue", timeout: "1m" } }],
  post: [{ exec: { command: ["thaw"] } }],
};

describe("hooksOfPod", () => {
  it("finds none where nobody asks for any", () => {
    assert.deepEqual(hooksOfPod(pod(), undefined), { pre: [], post: [], warnings: [] });
    assert.deepEqual(hooksOfPod(pod(), { resources: null }), { pre: [], post: [], warnings: [] });
  });

  it("reads annotations with all their fields", () => {
    const { pre, post, warnings } = hooksOfPod(
      pod({
        "pre.hook.backup.velero.io/command": '["/bin/sh", "-c", "sync && freeze"]',
        "pre.hook.backup.velero.io/container": "side",
        "pre.hook.backup.velero.io/on-error": "Continue",
        "pre.hook.backup.velero.io/timeout": "2m",
        "post.hook.backup.velero.io/command": "/thaw",
      }),
      undefined,
    );
    const name = "of the pod's annotations";
    assert.deepEqual(pre, [
      {
        name,
        container: "side",
        command: ["/bin/sh", "-c", "sync && freeze"],
        onError: "Continue",
        timeoutMs: 120_000,
      },
    ]);
    assert.deepEqual(post, [{ name, container: "", command: ["/thaw"], onError: "Fail", timeoutMs: 30_000 }]);
    assert.deepEqual(warnings, []);
  });

  it("reads the names that the annotations had at first as a pre hook, unless there is one", () => {
    const old = { "hook.backup.velero.io/command": "old", "hook.backup.velero.io/container": "side" };
    const found = hooksOfPod(pod(old), undefined);
    assert.deepEqual(
      found.pre.map(({ command, container }) => [command, container]),
      [[["old"], "side"]],
    );
    assert.deepEqual(found.post, []);
    const newer = hooksOfPod(pod({ ...old, "pre.hook.backup.velero.io/command": "new" }), undefined);
    assert.deepEqual(
      newer.pre.map(({ command, container }) => [command, container]),
      [[["new"], ""]],
    );
  });

  it("lets annotations replace the spec's hooks for their phase only", () => {
    const found = hooksOfPod(pod({ "pre.hook.backup.velero.io/command": "own" }), spec(both));
    assert.deepEqual(
      found.pre.map(({ command }) => command),
      [["own"]],
    );
    assert.deepEqual(
      found.post.map(({ command }) => command),
      [["thaw"]],
    );
  });

  it("takes the hooks of all entries of the spec that select the pod, in their order", () => {
    const other: BackupResourceHook = { ...both, name: "other", labelSelector: { matchLabels: { app: "web" } } };
    const more: BackupResourceHook = {
      name: "more",
      includedNamespaces: ["shop"],
      pre: [{ exec: { command: ["a"] } }, { exec: { command: ["b"], timeout: "0s" } }],
      post: null,
    };
    const { pre, post } = hooksOfPod(pod(), spec(both, other, more));
    assert.deepEqual(pre, [
      { name: "quiet", container: "side", command: ["freeze"], onError: "Continue", timeoutMs: 60_000 },
      { name: "more", container: "", command: ["a"], onError: "Fail", timeoutMs: 30_000 },
      { name: "more", container: "", command: ["b"], onError: "Fail", timeoutMs: 30_000 },
    ]);
    assert.deepEqual(
      post.map(({ command, onError }) => [command, onError]),
      [[["thaw"], "Fail"]],
    );
  });

  it("finds none in pods that have ended", () => {
    for (const phase of ["Succeeded", "Failed"])
      assert.deepEqual(hooksOfPod(pod({ "pre.hook.backup.velero.io/command": "x" }, phase), spec(both)).pre, []);
  });

  it("warns of hooks in pods that have not started, and runs none", () => {
    assert.deepEqual(hooksOfPod(pod({}, "Pending"), spec(both)), {
      ...{ pre: [], post: [] },
      warnings: ["pod shop/db-0 has not started (phase Pending): its hooks do not run"],
    });
    assert.deepEqual(hooksOfPod(pod({}, "Pending"), undefined).warnings, []);
  });

  it("warns of annotations that it cannot use, and says what it does instead", () => {
    const { pre, warnings } = hooksOfPod(
      pod({
        "pre.hook.backup.velero.io/command": "[sync]",
        "pre.hook.backup.velero.io/on-error": "continue",
        "pre.hook.backup.velero.io/timeout": "30",
      }),
      undefined,
    );
    assert.deepEqual(
      pre.map(({ command, onError, timeoutMs }) => [command, onError, timeoutMs]),
      [[["[sync]"], "Fail", 30_000]],
    );
    assert.deepEqual(warnings, [
      'pod shop/db-0: the annotation pre.hook.backup.velero.io/command is "[sync]", not a JSON list of strings; it is taken for one word',
      'pod shop/db-0: the annotation pre.hook.backup.velero.io/on-error is "continue", neither Continue nor Fail; it is taken for Fail',
      'pod shop/db-0: the annotation pre.hook.backup.velero.io/timeout is "30", not a duration such as 30s; the default holds',
    ]);
  });
});
