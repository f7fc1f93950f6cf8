import assert from "node:assert/strict";
import { test } from "node:test";
import { explainStoreFailure, type StoreStep } from "../../../../agent/doctor/store-failure.ts";
import { TimeLimitError } from "../../../../agent/doctor/time-limit.ts";
import { type ErrorCode, RepositoryError } from "../../../../repo-format/index.ts";
import type { BackupStorageLocation } from "../../../../src/api/backup-storage-location.ts";
import { ConfigError } from "../../../../src/platform/config-error.ts";

const location: BackupStorageLocation = {
  metadata: { name: "default" },
  spec: {
    provider: "aws",
    objectStorage: { bucket: "backups" },
    credential: { name: "cloud-credentials", key: "cloud" },
    config: { s3Url: "https://store:9000" },
  },
};

function remedyFor(code: ErrorCode, facts: Readonly<Record<string, string>>, step: StoreStep = "list"): string {
  return explainStoreFailure(new RepositoryError(code, "x", { details: facts }), step, location).remedy;
}

test("refused credentials are told apart: unknown key, wrong secret, missing right, expired token, none at all", () => {
  const denied = (reason: string, step?: StoreStep): string => remedyFor("storage-denied", { reason }, step);
  assert.match(
    denied("InvalidAccessKeyId"),
    /does not know the access key of the Secret cloud-credentials \(key cloud\)/,
  );
  assert.match(denied("SignatureDoesNotMatch"), /secret key of the Secret cloud-credentials .* is wrong/);
  assert.match(denied("ExpiredToken"), /renew the Secret/);
  assert.match(denied("CredentialsProviderError"), /no credentials were found/);
  assert.match(denied("AccessDenied"), /grant s3:ListBucket on/);
  assert.match(denied("AccessDenied", "write"), /grant s3:PutObject/);
  assert.match(denied("AccessDenied", "delete"), /grant s3:DeleteObject/);
});

test("a missing bucket, another region, an untrusted certificate and a wrong clock have their own advice", () => {
  const wrong = (reason: string): string => remedyFor("storage-misconfigured", { reason });
  assert.match(wrong("NoSuchBucket"), /make the bucket backups/);
  assert.match(wrong("PermanentRedirect"), /config\.region/);
  assert.match(wrong("Error"), /caCert/);
  assert.match(remedyFor("storage-unavailable", { reason: "RequestTimeTooSkewed" }), /clock/);
});

test("a store that is not reached is the network's affair", () => {
  const explain = (errno: string) =>
    explainStoreFailure(new RepositoryError("storage-unavailable", "x", { details: { errno } }), "list", location);
  assert.match(explain("ENOTFOUND").remedy, /host of https:\/\/store:9000 has no address here/);
  assert.match(explain("ECONNREFUSED").remedy, /nothing listens at/);
  assert.match(explain("ETIMEDOUT").remedy, /NetworkPolicies/);
  assert.ok(explain("ETIMEDOUT").isNetwork);
  const slow = explainStoreFailure(new TimeLimitError(20_000), "write", location);
  assert.deepEqual([slow.isNetwork, slow.message], [true, "the store gave no answer within 20 s (write)"]);
});

test("an error of another kind keeps its own advice, and one without any is shown", () => {
  const unusable = new ConfigError("secret-unusable", "the Secret does not exist");
  assert.match(explainStoreFailure(unusable, "open", location).remedy, /create the Secret/);
  assert.equal(explainStoreFailure(new Error("odd"), "read", location).message, "odd");
});
