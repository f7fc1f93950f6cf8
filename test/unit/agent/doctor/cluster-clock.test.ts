import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterClock } from "../../../../agent/doctor/cluster-clock.ts";
import type { Patient } from "../../../../agent/doctor/finding.ts";
import { findingOf, patientWith } from "../../../support/doctor-patient.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

function patientAt(serverTime: number | undefined): Patient {
  const client = { serverTime: async () => serverTime } as unknown as Patient["client"];
  return patientWith({ client, clock: new FakeClock(1_000_000_000_000) });
}

test("the API server's clock is compared with ours", async () => {
  assert.equal((await findingOf(clusterClock, patientAt(1_000_000_000_500))).outcome, "ok");
  assert.equal((await findingOf(clusterClock, patientAt(1_000_000_400_000))).outcome, "failed");
  assert.equal((await findingOf(clusterClock, patientAt(undefined))).outcome, "skipped");
});
