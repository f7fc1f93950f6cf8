import assert from "node:assert/strict";
import { test } from "node:test";
import { type Check, ok } from "../../../../agent/doctor/finding.ts";
import { checkLimitMs, runChecks } from "../../../../agent/doctor/run-checks.ts";
import { ConfigError } from "../../../../src/platform/config-error.ts";
import { patientWith } from "../../../support/doctor-patient.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

const signal = new AbortController().signal;
const fine: Check = { name: "fine", from: "everywhere", run: async () => ok("yes") };

test("results come in the order of the checks, with several findings where a check has them", async () => {
  const double: Check = { ...fine, name: "double", run: async () => [ok("one"), { ...ok("two"), subject: "b" }] };
  const results = await runChecks([double, fine], patientWith(), signal);
  assert.deepEqual(
    results.map(({ check, subject, message }) => [check, subject, message]),
    [
      ["double", undefined, "one"],
      ["double", "b", "two"],
      ["fine", undefined, "yes"],
    ],
  );
});

test("a check that hangs fails after its time; the others are not held up", async () => {
  const clock = new FakeClock();
  const hanging: Check = { name: "hanging", from: "pod", run: () => new Promise(() => undefined) };
  const running = runChecks([hanging, fine], patientWith({ clock }), signal);
  await clock.advance(checkLimitMs);
  const [first, second] = await running;
  assert.equal(first?.outcome, "failed");
  assert.match(first?.message ?? "", /given up: no answer within 25 s/);
  assert.equal(second?.outcome, "ok");
});

test("what a check throws is a failure with the error's own advice", async () => {
  const failing: Check = {
    ...fine,
    run: () => Promise.reject(new ConfigError("secret-unusable", "the Secret x does not exist")),
  };
  const [result] = await runChecks([failing], patientWith(), signal);
  assert.equal(result?.message, "the Secret x does not exist");
  assert.match(result?.remedy ?? "", /create the Secret/);
});

test("what is only seen from elsewhere is skipped, and says from where", async () => {
  const inPod: Check = { ...fine, from: "pod" };
  const outside: Check = { ...fine, from: "outside" };
  const [hidden] = await runChecks([inPod], patientWith({ place: "outside" }), signal);
  assert.match(`${hidden?.outcome} ${hidden?.message}`, /skipped only seen in the agent's pod: kubectl/);
  const [other] = await runChecks([outside], patientWith(), signal);
  assert.equal(other?.outcome, "skipped");
});

test("when the whole is ended there are no results", async () => {
  await assert.rejects(runChecks([fine], patientWith(), AbortSignal.abort(new Error("over"))), /over/);
});
