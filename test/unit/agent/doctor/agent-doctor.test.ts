import assert from "node:assert/strict";
import { test } from "node:test";
import { AgentDoctor } from "../../../../agent/doctor/agent-doctor.ts";
import {
  type Check,
  type Finding,
  failed,
  ok,
  type Patient,
  stopsWork,
  warning,
} from "../../../../agent/doctor/finding.ts";
import { silentLogger } from "../../../../src/platform/logger.ts";
import { patientWith } from "../../../support/doctor-patient.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { settle } from "../../../support/manual-clock.ts";

const pod = { metadata: { name: "node-agent-x", namespace: "velero", uid: "u" }, spec: { nodeName: "node-one" } };

function doctorWith(answers: Finding[], hasPod = true) {
  const clock = new FakeClock();
  const events: string[] = [];
  const lines: string[] = [];
  let looks = 0;
  const check: Check = {
    name: "thing",
    from: "everywhere",
    run: async () => {
      looks++;
      return (answers.length > 1 ? answers.shift() : answers[0]) as Finding;
    },
  };
  const client = { list: async () => ({ items: hasPod ? [pod] : [], resourceVersion: "1" }) };
  const patient = patientWith({
    clock,
    client: client as unknown as Patient["client"],
    access: { close: async () => undefined } as unknown as Patient["access"],
  });
  const keep = (message: string, facts: object = {}): void => void lines.push(`${message} ${JSON.stringify(facts)}`);
  const doctor = new AgentDoctor({
    ...{ patient, checks: [check], redact: (text) => text.replace("geheim", "[redacted]") },
    events: {
      record: (object, text) => void events.push(`${object.name} ${text.type} ${text.reason} ${text.message}`),
    },
    log: { ...silentLogger, warn: keep, error: keep },
  });
  return { doctor, clock, events, lines, looks: () => looks };
}

test("when all is well it looks once and says so in an Event", async () => {
  const { doctor, events, lines, looks } = doctorWith([ok("fine")]);
  await doctor.run(new AbortController().signal);
  assert.deepEqual([looks(), doctor.obstacles, lines], [1, [], []]);
  assert.deepEqual(events, ["node-agent-x Normal DoctorPassed all 1 checks passed"]);
});

test("what fails is an obstacle, an Event and a line, once, until it is mended", async () => {
  const { doctor, clock, events, lines, looks } = doctorWith([
    stopsWork("it is gone: geheim", "bring it back"),
    stopsWork("it is gone: geheim", "bring it back"),
    warning("it is slow", "hurry it"),
  ]);
  const running = doctor.run(new AbortController().signal);
  await settle();
  assert.deepEqual(doctor.obstacles, ["thing: it is gone: [redacted] (bring it back)"]);
  assert.deepEqual(events, ["node-agent-x Warning DoctorFailed thing: it is gone: [redacted] (bring it back)"]);
  assert.equal(lines.length, 1);
  await clock.advance(4000);
  await settle();
  assert.deepEqual([looks(), events.length, lines.length], [2, 1, 1]);
  await clock.advance(8000);
  await running;
  assert.deepEqual([looks(), doctor.obstacles], [3, []]);
  assert.match(events[1] ?? "", /Normal DoctorPassed 0 checks passed; thing: it is slow \(hurry it\)/);
  assert.match(lines[1] ?? "", /found something.*it is slow/);
});

test("a failure that leaves some work possible is no obstacle, but is looked at again", async () => {
  const { doctor, clock, looks } = doctorWith([failed("half of it", "mend it"), ok("fine")]);
  const running = doctor.run(new AbortController().signal);
  await settle();
  assert.deepEqual([doctor.obstacles, looks()], [[], 1]);
  await clock.advance(4000);
  await running;
  assert.equal(looks(), 2);
});

test("it ends with the agent, in the middle of a pause and of a look", async () => {
  const ending = new AbortController();
  const { doctor } = doctorWith([failed("x", "y")]);
  const running = doctor.run(ending.signal);
  await settle();
  ending.abort(new Error("over"));
  await running;
  await doctor.run(ending.signal);
});

test("an agent that cannot start says why in an Event on its pod; without a pod nobody is told", async () => {
  const { doctor, events } = doctorWith([ok("fine")]);
  await doctor.recordEnd(new Error("the wrong folder"), new AbortController().signal);
  assert.deepEqual(events, ["node-agent-x Warning DoctorFailed the agent cannot run: the wrong folder"]);
  const alone = doctorWith([ok("fine")], false);
  await alone.doctor.run(new AbortController().signal);
  assert.deepEqual(alone.events, []);
});
