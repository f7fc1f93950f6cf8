import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Container, Pod } from "../../../../../../src/api/core.ts";
import {
  withoutRestoreWait,
  withRestoreWait,
} from "../../../../../../src/server/restore/volumes/restore-wait-container.ts";
import type { RestoreWaitSettings } from "../../../../../../src/server/restore/volumes/restore-wait-settings.ts";

const settings: RestoreWaitSettings = {
  image: "helper:1",
  command: ["/helper"],
  resources: { requests: { cpu: "1" }, limits: {} },
  securityContext: undefined,
};

function podWith(initContainers: readonly Container[] | undefined, app: Partial<Container> = {}): Pod {
  const containers = [{ name: "app", ...app }, { name: "side" }];
  return {
    metadata: { name: "web" },
    spec: { containers, ...(initContainers === undefined ? {} : { initContainers }) },
  };
}

function inserted(pod: Pod, change: Partial<RestoreWaitSettings> = {}): readonly Container[] {
  const wish = { settings: { ...settings, ...change }, restoreUid: "uid-1", volumes: ["logs", "data"] };
  return withRestoreWait(pod, wish).spec?.initContainers ?? [];
}

describe("withRestoreWait()", () => {
  it("puts the container before all others, as Velero makes it", () => {
    const [wait, ...others] = inserted(podWith([{ name: "own" }]));
    assert.deepEqual(others, [{ name: "own" }]);
    assert.deepEqual(wait, {
      name: "restore-wait",
      image: "helper:1",
      command: ["/helper"],
      args: ["uid-1"],
      env: [
        { name: "POD_NAMESPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } },
        { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
      ],
      resources: { requests: { cpu: "1" }, limits: {} },
      securityContext: {
        allowPrivilegeEscalation: false,
        capabilities: { drop: ["ALL"] },
        runAsNonRoot: true,
        runAsUser: 1000,
        seccompProfile: { type: "RuntimeDefault" },
      },
      volumeMounts: [
        { name: "data", mountPath: "/restores/data" },
        { name: "logs", mountPath: "/restores/logs" },
      ],
    });
  });

  it("replaces containers of earlier restores wherever they stand", () => {
    const own = [{ name: "first" }, { name: "restore-wait" }, { name: "restic-wait" }, { name: "last" }];
    assert.deepEqual(
      inserted(podWith(own)).map(({ name }) => name),
      ["restore-wait", "first", "last"],
    );
  });

  it("takes the security context of the pod's first container, and the configured one before that", () => {
    const app = { securityContext: { runAsUser: 5, readOnlyRootFilesystem: true } };
    assert.deepEqual(inserted(podWith(undefined, app))[0]?.securityContext, app.securityContext);
    const configured = { securityContext: { runAsUser: 6 } };
    assert.deepEqual(inserted(podWith(undefined, app), configured)[0]?.securityContext, { runAsUser: 6 });
  });

  it("changes nothing else, and not the pod that it was given", () => {
    const pod = podWith([{ name: "own" }]);
    const copy = structuredClone(pod);
    const { spec, ...rest } = withRestoreWait(pod, { settings, restoreUid: "u", volumes: ["data"] });
    assert.deepEqual(pod, copy);
    assert.deepEqual([rest, spec?.containers], [{ metadata: { name: "web" } }, copy.spec?.containers]);
  });
});

describe("withoutRestoreWait()", () => {
  it("takes containers of earlier restores out, and leaves other pods as they are", () => {
    const waiting = podWith([{ name: "restore-wait" }, { name: "own" }]);
    assert.deepEqual(withoutRestoreWait(waiting).spec?.initContainers, [{ name: "own" }]);
    for (const pod of [podWith(undefined), podWith([{ name: "own" }])]) assert.equal(withoutRestoreWait(pod), pod);
  });
});
