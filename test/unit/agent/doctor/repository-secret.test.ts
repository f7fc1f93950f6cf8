import assert from "node:assert/strict";
import { test } from "node:test";
import type { Patient } from "../../../../agent/doctor/finding.ts";
import { repositorySecret } from "../../../../agent/doctor/repository-secret.ts";
import { findingOf, patientWith } from "../../../support/doctor-patient.ts";

function patientWithSecret(data: Readonly<Record<string, string>> | undefined): Patient {
  const secret = data === undefined ? undefined : { metadata: { name: "velero-repo-credentials" }, data };
  return patientWith({ client: { find: async () => secret } as unknown as Patient["client"] });
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

test("the Secret with its key is fine, and its password is told to nobody", async () => {
  const patient = patientWithSecret({ "repository-password": base64("a long password") });
  const read: string[] = [];
  const finding = await findingOf(repositorySecret, { ...patient, onSecret: (value) => read.push(value) });
  assert.equal(finding.outcome, "ok");
  assert.doesNotMatch(finding.message, /a long password/);
  assert.deepEqual(read, ["a long password"]);
});

test("a missing Secret, a missing key and an empty password stop the work, each with its words", async () => {
  for (const [data, says] of [
    [undefined, /velero\/velero-repo-credentials .* does not exist/],
    [{ other: "eA==" }, /has no such key/],
    [{ "repository-password": base64(" \n") }, /is empty/],
  ] as const) {
    const { outcome, message, stopsWork } = await findingOf(repositorySecret, patientWithSecret(data));
    assert.deepEqual([outcome, stopsWork], ["failed", true]);
    assert.match(message, says);
  }
});

test("an API server that is away is not taken for a missing Secret", async () => {
  const client = { find: () => Promise.reject(new Error("away")) } as unknown as Patient["client"];
  await assert.rejects(findingOf(repositorySecret, patientWith({ client })), /away/);
});
