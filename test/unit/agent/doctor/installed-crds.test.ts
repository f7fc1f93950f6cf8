import assert from "node:assert/strict";
import { test } from "node:test";
import type { Finding, Patient } from "../../../../agent/doctor/finding.ts";
import { installedCrds } from "../../../../agent/doctor/installed-crds.ts";
import { KubeError } from "../../../../src/kube/kube-errors.ts";
import { findingsOf, patientWith } from "../../../support/doctor-patient.ts";

const plurals = ["podvolumebackups", "podvolumerestores", "backuprepositories", "backupstoragelocations"];
const object = (fields: readonly string[]) => ({
  properties: Object.fromEntries(fields.map((field) => [field, { type: "string" }])),
});

interface Parts {
  readonly served?: readonly string[];
  readonly spec?: readonly string[];
  readonly status?: readonly string[];
  readonly hasSubresource?: boolean;
  readonly mayRead?: boolean;
}

async function findingsFor(parts: Parts): Promise<readonly Finding[]> {
  const { served = plurals, spec = ["uploaderType"], status = [], hasSubresource = false, mayRead = true } = parts;
  const schema = { openAPIV3Schema: { properties: { spec: object(spec), status: object(status) } } };
  const version = { name: "v1", schema, ...(hasSubresource ? { subresources: { status: {} } } : {}) };
  const client = {
    getPath: async () => ({ resources: served.map((name) => ({ name })) }),
    get: async () => {
      if (!mayRead) throw new KubeError("forbidden", "no");
      return { spec: { versions: [version] } };
    },
  } as unknown as Patient["client"];
  return await findingsOf(installedCrds, patientWith({ client }));
}

test("the CRDs' version is told by their fields", async () => {
  const messageFor = async (parts: Parts) => (await findingsFor(parts))[0]?.message ?? "";
  assert.match(await messageFor({}), /Velero 1\.10 to 1\.12/);
  assert.match(await messageFor({ spec: ["uploaderType", "uploaderSettings"] }), /Velero 1\.13 to 1\.16/);
  assert.match(await messageFor({ spec: ["uploaderType", "uploaderSettings", "cancel"] }), /Velero 1\.17/);
  const newest = { spec: ["uploaderType", "cancel", "snapshotSize"], status: ["incrementalBytes"] };
  const findings = await findingsFor(newest);
  assert.deepEqual(
    findings.map(({ outcome, subject }) => [outcome, subject]),
    [
      ["ok", "podvolumebackups"],
      ["ok", "podvolumerestores"],
    ],
  );
  for (const { message } of findings) assert.match(message, /Velero 1\.18, or ours/);
});

test("kinds that are not served stop the work and are named", async () => {
  const [finding] = await findingsFor({ served: plurals.slice(1) });
  assert.deepEqual([finding?.outcome, finding?.stopsWork], ["failed", true]);
  assert.match(finding?.message ?? "", /does not serve podvolumebackups\.velero\.io\/v1$/);
});

test("a cluster without the group serves none of them", async () => {
  const client = {
    getPath: () => Promise.reject(new KubeError("no-such-resource", "the server could not find the resource")),
  } as unknown as Patient["client"];
  const [finding] = await findingsOf(installedCrds, patientWith({ client }));
  for (const plural of plurals) assert.match(finding?.message ?? "", new RegExp(plural));
});

test("a status subresource stops the work; CRDs that are too old fail; unreadable ones are a warning", async () => {
  const [lost] = await findingsFor({ hasSubresource: true });
  assert.deepEqual([lost?.outcome, lost?.stopsWork], ["failed", true]);
  assert.match(lost?.message ?? "", /status subresource/);
  assert.equal((await findingsFor({ spec: [] }))[0]?.outcome, "failed");
  assert.equal((await findingsFor({ mayRead: false }))[0]?.outcome, "warning");
});
