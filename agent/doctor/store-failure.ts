// What a failure of a store means, and what to do about it: the same answer means something else when listing fails than
// when only deleting does.

import type { BackupStorageLocation } from "../../src/api/backup-storage-location.ts";
import { asCodedError, messageOf } from "../../src/platform/coded-error.ts";
import { TimeLimitError } from "./time-limit.ts";

export type StoreStep = "open" | "list" | "write" | "read" | "delete";

export interface StoreFailure {
  readonly message: string;
  readonly remedy: string;
  /** True when the store was not even reached. */
  readonly isNetwork: boolean;
}

/** The right on S3 that each step takes. */
const rightFor: Readonly<Record<StoreStep, string>> = {
  open: "s3:ListBucket",
  list: "s3:ListBucket on the bucket",
  write: "s3:PutObject on the bucket's objects",
  read: "s3:GetObject on the bucket's objects",
  delete: "s3:DeleteObject on the bucket's objects",
};

const unknownKey = ["InvalidAccessKeyId", "XAdminUserNotFound"];
const expired = ["ExpiredToken", "InvalidToken", "TokenProviderError"];
const otherRegion = ["PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"];

export function explainStoreFailure(error: unknown, step: StoreStep, location: BackupStorageLocation): StoreFailure {
  if (error instanceof TimeLimitError) {
    const message = `the store gave ${error.message} (${step})`;
    return { message, remedy: networkRemedy(undefined, location), isNetwork: true };
  }
  const coded = asCodedError(error);
  const errno = textOf(coded?.details.errno);
  const reason = textOf(coded?.details.reason);
  const isNetwork = coded?.code === "storage-unavailable" && errno !== undefined;
  const remedy = isNetwork
    ? networkRemedy(errno, location)
    : (remedyFor(reason, { step, location, code: coded?.code }) ?? coded?.hint ?? "see the message");
  return { message: messageOf(error), remedy, isNetwork };
}

function textOf(value: string | number | boolean | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function networkRemedy(errno: string | undefined, { spec }: BackupStorageLocation): string {
  const url = spec.config?.s3Url ?? "Amazon's endpoint of the region";
  if (errno === "ENOTFOUND" || errno === "EAI_AGAIN") {
    return `the host of ${url} has no address here: correct config.s3Url, or the cluster's DNS`;
  }
  if (errno === "ECONNREFUSED") return `nothing listens at ${url}: start the store, or correct config.s3Url`;
  return `make ${url} reachable from the pods: routes, firewalls, NetworkPolicies, proxies`;
}

interface Circumstances {
  readonly step: StoreStep;
  readonly location: BackupStorageLocation;
  readonly code: string | undefined;
}

function remedyFor(reason: string | undefined, { step, location, code }: Circumstances): string | undefined {
  const { spec } = location;
  const credentials = describeCredentials(location);
  if (reason === "NoSuchBucket") {
    return `make the bucket ${spec.objectStorage.bucket}, or correct spec.objectStorage.bucket and config.s3Url`;
  }
  if (reason === undefined) return undefined;
  if (unknownKey.includes(reason)) return `the store does not know the access key of ${credentials}: correct it`;
  if (reason === "SignatureDoesNotMatch") return `the secret key of ${credentials} is wrong: correct it`;
  if (expired.includes(reason)) return `renew ${credentials}`;
  if (reason === "CredentialsProviderError") {
    return "no credentials were found: name a Secret in spec.credential, or give the agent's pod an identity";
  }
  if (otherRegion.includes(reason)) return "correct config.region: the bucket is in another one";
  if (reason === "RequestTimeTooSkewed") return "set the node's clock (NTP)";
  if (code === "storage-denied") return `grant ${rightFor[step]} to the owner of ${credentials}`;
  if (code === "storage-misconfigured" && (spec.config?.s3Url ?? "").startsWith("https:")) {
    return "put the authority's certificate into spec.objectStorage.caCert, or correct config.s3Url";
  }
  return undefined;
}

function describeCredentials({ spec }: BackupStorageLocation): string {
  const { name = "", key } = spec.credential ?? {};
  return spec.credential === undefined ? "the pod's credentials" : `the Secret ${name} (key ${key})`;
}
