import assert from "node:assert/strict";
import { test } from "node:test";
import { accessRights } from "../../../../agent/doctor/access-rights.ts";
import type { Patient } from "../../../../agent/doctor/finding.ts";
import { findingOf, findingsOf, patientWith } from "../../../support/doctor-patient.ts";

interface Review {
  readonly spec: {
    readonly resourceAttributes: Readonly<Record<string, string>>;
    readonly user?: string;
    readonly groups?: readonly string[];
  };
}

/** An API server that refuses what `refuses` says. */
function clusterThat(refuses: (asked: Readonly<Record<string, string>>) => boolean, daemonSet?: object) {
  const asked: Review["spec"][] = [];
  const client = {
    create: async (_: unknown, { spec }: Review) => {
      asked.push(spec);
      return { status: { allowed: !refuses(spec.resourceAttributes) } };
    },
    find: async () => daemonSet,
  } as unknown as Patient["client"];
  return { asked, client };
}

test("with all rights the number of questions is told", async () => {
  const { client, asked } = clusterThat(() => false);
  const { outcome, message } = await findingOf(accessRights, patientWith({ client }));
  assert.deepEqual([outcome, message], ["ok", `all ${asked.length} rights that the agent needs are granted`]);
  assert.ok(asked.every(({ user }) => user === undefined));
});

test("vital rights that are refused stop the work, others are warnings; verbs of a resource come together", async () => {
  const { client } = clusterThat(
    ({ resource, verb, name }) =>
      (resource === "podvolumerestores" && verb !== "get") ||
      resource === "events" ||
      name === "podvolumebackups.velero.io",
  );
  const findings = await findingsOf(accessRights, patientWith({ client }));
  assert.deepEqual(
    findings.map(({ outcome, subject, stopsWork }) => [outcome, subject, stopsWork === true]),
    [
      ["failed", "podvolumerestores", true],
      ["warning", "customresourcedefinitions podvolumebackups.velero.io", false],
      ["warning", "events", false],
    ],
  );
  assert.match(findings[0]?.message ?? "", /may not list, watch, patch podvolumerestores in the namespace velero/);
  assert.match(findings[2]?.message ?? "", /may not create, patch events in the cluster: kubectl describe/);
});

test("from outside the question is about the DaemonSet's service account", async () => {
  const daemonSet = { spec: { template: { spec: { serviceAccountName: "stowage-agent" } } } };
  const { client, asked } = clusterThat(() => false, daemonSet);
  const { outcome } = await findingOf(accessRights, patientWith({ client, place: "outside" }));
  assert.equal(outcome, "ok");
  assert.equal(asked[0]?.user, "system:serviceaccount:velero:stowage-agent");
  assert.ok(asked[0]?.groups?.includes("system:serviceaccounts:velero"));
});

test("from outside, without an agent, there is nobody to ask about", async () => {
  const { client } = clusterThat(() => false);
  const { outcome, message } = await findingOf(accessRights, patientWith({ client, place: "outside" }));
  assert.equal(outcome, "failed");
  assert.match(message, /no DaemonSet node-agent/);
});
