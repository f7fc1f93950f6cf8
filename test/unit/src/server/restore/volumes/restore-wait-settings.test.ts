import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { restoreWaitSettings } from "../../../../../../src/server/restore/volumes/restore-wait-settings.ts";

const image = "registry.example:5000/stowage:1.2";
const defaults = {
  image,
  command: ["/velero-restore-helper"],
  resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { cpu: "100m", memory: "128Mi" } },
  securityContext: undefined,
};

function settingsOf(data: Readonly<Record<string, string>>): unknown {
  const { settings, warnings } = restoreWaitSettings(data, image);
  assert.deepEqual(warnings, []);
  return settings;
}

function refused(data: Readonly<Record<string, string>>): string {
  const { settings, warnings } = restoreWaitSettings(data, image);
  assert.deepEqual(settings, defaults, "the default is used");
  assert.equal(warnings.length, 1);
  return warnings[0] ?? "";
}

describe("restoreWaitSettings()", () => {
  it("are Velero's without a ConfigMap, and where its values are empty", () => {
    assert.deepEqual(settingsOf({}), defaults);
    assert.deepEqual(settingsOf({ image: "", command: "", cpuLimit: "", secCtx: "", secCtxRunAsUser: "" }), defaults);
  });

  for (const [written, expected] of [
    ["other.example/helper:3", "other.example/helper:3"],
    ["other.example/helper", "other.example/helper:1.2"],
    ["other.example:5000/helper", "other.example:5000/helper:1.2"],
    ["other.example/helper@sha256:abc", "other.example/helper@sha256:abc"],
    ["folder/helper", "folder/helper:1.2"],
  ] as const) {
    it(`take the image ${written} as ${expected}`, () => {
      assert.deepEqual(settingsOf({ image: written }), { ...defaults, image: expected });
    });
  }

  it("do not take an image without a registry, and say so", () => {
    assert.match(refused({ image: "helper:3" }), /image "helper:3" names no registry/);
  });

  it("take the tag latest where the default image has a digest only", () => {
    const { settings } = restoreWaitSettings({ image: "a/helper" }, "registry.example:5000/stowage@sha256:abc");
    assert.equal(settings.image, "a/helper:latest");
  });

  it("take a command as one word", () => {
    assert.deepEqual(settingsOf({ command: "/bin/helper --fast" }), { ...defaults, command: ["/bin/helper --fast"] });
  });

  it("override each amount for itself, and leave a bound of 0 out", () => {
    const resources = { requests: { memory: "64Mi" }, limits: { cpu: "2" } };
    const data = { cpuRequest: "0", memRequest: "64Mi", cpuLimit: "2", memLimit: "0" };
    assert.deepEqual(settingsOf(data), { ...defaults, resources });
  });

  it("fall back to all four amounts of the default when one cannot be read, or a request is above its limit", () => {
    assert.match(refused({ cpuLimit: "much", memRequest: "1Mi" }), /"much" is no amount of cpu/);
    assert.match(refused({ memRequest: "-1" }), /"-1" is no amount of memory/);
    assert.match(refused({ cpuRequest: "1" }), /cpu: the request 1 is above the limit 100m/);
  });

  it("build a security context of the single settings, with the whole one over them", () => {
    const data = { secCtxRunAsUser: "1001", secCtxRunAsGroup: "0", secCtxAllowPrivilegeEscalation: "F" };
    const single = { runAsUser: 1001, runAsGroup: 0, allowPrivilegeEscalation: false };
    assert.deepEqual(settingsOf(data), { ...defaults, securityContext: single });
    const secCtx = "runAsUser: 7\ncapabilities:\n  drop: [ALL]\n  add: []\n";
    const securityContext = { ...single, runAsUser: 7, capabilities: { drop: ["ALL"], add: [] } };
    assert.deepEqual(settingsOf({ ...data, secCtx }), { ...defaults, securityContext });
  });

  for (const [data, reason] of [
    [{ secCtxRunAsUser: "root" }, /secCtxRunAsUser cannot be "root"/],
    [{ secCtxAllowPrivilegeEscalation: "yes" }, /secCtxAllowPrivilegeEscalation cannot be "yes"/],
    [{ secCtx: "runAsUsr: 1" }, /unknown field "runAsUsr"/],
    [{ secCtx: "constructor: {}" }, /unknown field "constructor"/],
    [{ secCtx: "runAsUser: '1'" }, /secCtx.runAsUser must be of type integer/],
    [{ secCtx: "capabilities: [ALL]" }, /secCtx.capabilities must be of type object/],
    [{ secCtx: "just text" }, /no YAML object/],
    [{ secCtx: "a: [" }, /line/],
  ] as const) {
    it(`do without a security context that says ${JSON.stringify(data)}`, () => {
      assert.match(refused(data), reason);
    });
  }
});
