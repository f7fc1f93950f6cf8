import assert from "node:assert/strict";
import { test } from "node:test";
import { VolumeError } from "../../../../agent/host-volumes/volume-error.ts";
import {
  backupSettings,
  misnamedAnnotations,
  restoreStallTimeout,
  type SettingSources,
  settingsText,
} from "../../../../agent/volume-work/volume-settings.ts";

type Annotations = Readonly<Record<string, string>>;
const minute = 60_000;

function sources(ofPod: Annotations, ofClaim?: Annotations): SettingSources {
  const metadata = (name: string, annotations: Annotations) => ({ namespace: "app", name, annotations });
  const volumes = [{ name: "data" }, { name: "logs" }];
  return {
    pod: { metadata: metadata("web", ofPod), spec: { volumes, containers: [] } },
    volume: "data",
    claim: ofClaim === undefined ? undefined : { metadata: metadata("web-data", ofClaim) },
  };
}

test("without annotations nothing is left out, nothing is crossed, and only standing still is limited", () => {
  const settings = backupSettings(sources({}, {}), 30 * minute);
  const { exclude, crossMounts, timeoutMs, stallTimeoutMs } = settings;
  assert.deepEqual([exclude, crossMounts, timeoutMs, stallTimeoutMs], [[], false, Infinity, 30 * minute]);
  assert.equal(settingsText(settings), undefined);
});

test("the pod's annotation for the volume goes before the claim's, which goes before the pod's for all", () => {
  const all = { "stowage.dev/exclude": "all" };
  const claim = { "stowage.dev/exclude": "claim" };
  const one = { "exclude.stowage.dev/data": "one", "exclude.stowage.dev/logs": "other" };
  const excludesOf = (from: SettingSources) => backupSettings(from, 0).exclude;
  assert.deepEqual(excludesOf(sources({ ...all, ...one }, claim)), ["one"]);
  assert.deepEqual(excludesOf(sources(all, claim)), ["claim"]);
  assert.deepEqual(excludesOf(sources(all, {})), ["all"]);
  assert.deepEqual(excludesOf(sources({ ...all, "exclude.stowage.dev/data": "" }, claim)), [], "an empty one, too");
});

test("times are durations of Go, 0 for none; what was asked for is told with its origin", () => {
  const pod = {
    "stowage.dev/timeout": "2h",
    "stall-timeout.stowage.dev/data": "0",
    "cross-mounts.stowage.dev/data": "true",
  };
  const settings = backupSettings(sources(pod), 30 * minute);
  assert.deepEqual([settings.timeoutMs, settings.stallTimeoutMs, settings.crossMounts], [120 * minute, Infinity, true]);
  assert.deepEqual(JSON.parse(settingsText(settings) ?? ""), {
    crossMounts: true,
    timeout: "2h0m0s",
    stallTimeout: "0",
    from: {
      crossMounts: "annotation cross-mounts.stowage.dev/data of pod app/web",
      timeout: "annotation stowage.dev/timeout of pod app/web",
      stallTimeout: "annotation stall-timeout.stowage.dev/data of pod app/web",
    },
  });
});

test("of very many patterns those are told that an annotation has room for", () => {
  const text = Array.from({ length: 5000 }, (_, index) => `/a/rather/long/pattern/${index}`).join("\n");
  const settings = backupSettings(sources({ "stowage.dev/exclude": text }), 0);
  assert.equal(settings.exclude.length, 5000);
  const told = settingsText(settings) ?? "";
  assert.ok(told.length > 30_000 && told.length < 33_000, `${told.length} characters`);
});

test("what cannot be understood is refused, with the annotation and what it should have been", () => {
  const cases = [
    ["stowage.dev/exclude", "[a", /^annotation stowage.dev\/exclude of claim app\/web-data: the pattern "\[a"/],
    ["stowage.dev/cross-mounts", "yes", /must be "true" or "false", not "yes"/],
    ["stowage.dev/timeout", "30", /must be a duration with a unit, .*, not "30"/],
    ["stowage.dev/stall-timeout", "-5m", /not "-5m"/],
  ] as const;
  for (const [key, text, message] of cases)
    assert.throws(
      () => backupSettings(sources({}, { [key]: text }), minute),
      (error) => error instanceof VolumeError && error.code === "annotation-invalid" && message.test(error.message),
      key,
    );
});

test("a restore obeys the stall time-out, and no other annotation keeps it from beginning", () => {
  const claim = { "stowage.dev/exclude": "[a", "stowage.dev/timeout": "x", "stowage.dev/stall-timeout": "5m" };
  assert.equal(restoreStallTimeout(sources({}, claim), minute), 5 * minute);
  assert.equal(restoreStallTimeout(sources({}), 0), Infinity);
});

test("annotations with a wrong name of a volume or of a setting are found", () => {
  const pod = { "exclude.stowage.dev/dta": "x", "excludes.stowage.dev/data": "x", "exclude.stowage.dev/logs": "x" };
  assert.deepEqual(misnamedAnnotations(sources(pod).pod), [
    "exclude.stowage.dev/dta: the pod has no volume dta",
    "excludes.stowage.dev/data: there is no such setting",
  ]);
});
