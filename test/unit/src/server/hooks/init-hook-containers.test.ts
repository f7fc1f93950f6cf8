import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Container, Pod } from "../../../../../src/api/core.ts";
import type { RestoreSpec } from "../../../../../src/api/restore.ts";
import { initHookContainers, withInitContainers } from "../../../../../src/server/hooks/init-hook-containers.ts";

const pod = (annotations: Record<string, string> = {}, initContainers: Container[] = []): Pod => ({
  metadata: { name: "db-0", namespace: "shop", annotations },
  spec: { initContainers, containers: [{ name: "db" }] },
});
const prepare = { name: "prepare", image: "alpine:3", resources: { limits: { cpu: "1" } } };
const spec: RestoreSpec["hooks"] = {
  resources: [
    {
      name: "others",
      includedNamespaces: ["other"],
      postHooks: [{ init: { initContainers: [{ name: "x", image: "y" }] } }],
    },
    { name: "a", postHooks: [{ init: { initContainers: [prepare] } }, { exec: { command: ["load"] } }] },
    {
      name: "b",
      includedNamespaces: ["shop"],
      postHooks: [{ init: { initContainers: [{ name: "more", image: "z" }] } }],
    },
  ],
};

describe("initHookContainers", () => {
  it("gives the spec's containers for the pod as they are, in their order", () => {
    assert.deepEqual(initHookContainers(pod(), spec), {
      containers: [prepare, { name: "more", image: "z" }],
      warnings: [],
    });
    assert.deepEqual(initHookContainers(pod(), undefined).containers, []);
  });

  it("gives the annotations' container instead", () => {
    const annotated = pod({
      "init.hook.restore.velero.io/container-image": "alpine:3",
      "init.hook.restore.velero.io/container-name": "fix",
      "init.hook.restore.velero.io/command": '["sh","-c","chown -R 1 /data"]',
    });
    assert.deepEqual(initHookContainers(annotated, spec).containers, [
      { name: "fix", image: "alpine:3", command: ["sh", "-c", "chown -R 1 /data"] },
    ]);
  });

  it("needs no more than an image in the annotations", () => {
    const image = { "init.hook.restore.velero.io/container-image": "alpine:3" };
    assert.deepEqual(initHookContainers(pod(image), undefined).containers, [
      { name: "velero-restore-init", image: "alpine:3" },
    ]);
    const commandOnly = pod({ "init.hook.restore.velero.io/command": "x" });
    assert.deepEqual(initHookContainers(commandOnly, undefined).containers, []);
  });

  it("passes doubts about the annotations on", () => {
    const doubtful = pod({
      "init.hook.restore.velero.io/container-image": "alpine:3",
      "init.hook.restore.velero.io/command": '["sh"',
    });
    const { containers, warnings } = initHookContainers(doubtful, undefined);
    assert.deepEqual(containers[0]?.command, ['["sh"']);
    assert.match(warnings.join(), /not a JSON list of strings/);
  });
});

describe("withInitContainers", () => {
  const namesOf = (one: Pod): string[] => (one.spec?.initContainers ?? []).map(({ name }) => name);
  const own = { name: "own", image: "o" };

  it("puts them before the pod's own, after the container that waits for the volumes' data", () => {
    assert.deepEqual(namesOf(withInitContainers(pod({}, [own]), [prepare])), ["prepare", "own"]);
    const waiting = pod({}, [{ name: "restore-wait" }, own]);
    assert.deepEqual(namesOf(withInitContainers(waiting, [prepare])), ["restore-wait", "prepare", "own"]);
    assert.deepEqual(namesOf(waiting), ["restore-wait", "own"], "the pod that was given is untouched");
  });

  it("replaces those of the same name, which an earlier restore put there", () => {
    const restored = pod({}, [{ name: "restore-wait" }, { name: "prepare", image: "older" }, own]);
    const again = withInitContainers(restored, [prepare]);
    assert.deepEqual(namesOf(again), ["restore-wait", "prepare", "own"]);
    assert.equal(again.spec?.initContainers?.[1]?.image, "alpine:3");
  });

  it("leaves a pod alone when there is nothing to put in", () => {
    const one = pod({}, [own]);
    assert.equal(withInitContainers(one, []), one);
  });
});
