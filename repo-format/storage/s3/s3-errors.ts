// What an answer of the store, or the lack of one, means to the caller. Messages name bucket, endpoint and key and quote
// the store's own words; they never carry credentials, and neither does the cause.
import type { ErrorCode } from "../../errors.ts";
import { RepositoryError } from "../../errors.ts";

/** The store's error names. What is not listed goes by HTTP status, then by the network's error code. */
const codesByName: Readonly<Record<string, ErrorCode>> = {
  NoSuchKey: "object-missing",
  NotFound: "object-missing",
  NoSuchBucket: "storage-misconfigured",
  PreconditionFailed: "object-exists",
  InvalidRange: "range-invalid",
  AccessDenied: "storage-denied",
  AllAccessDisabled: "storage-denied",
  AccountProblem: "storage-denied",
  InvalidAccessKeyId: "storage-denied",
  XAdminUserNotFound: "storage-denied", // versitygw's word for an unknown access key, with status 404
  SignatureDoesNotMatch: "storage-denied",
  InvalidSecurity: "storage-denied",
  ExpiredToken: "storage-denied",
  InvalidToken: "storage-denied",
  CredentialsProviderError: "storage-denied",
  TokenProviderError: "storage-denied",
  // The SDK corrects its clock by the answer, so that the next attempt passes.
  RequestTimeTooSkewed: "storage-unavailable",
  RequestTimeout: "storage-unavailable",
  RequestTimeoutException: "storage-unavailable",
  TimeoutError: "storage-unavailable",
  SlowDown: "storage-unavailable",
  ThrottlingException: "storage-unavailable",
  Throttling: "storage-unavailable",
  BandwidthLimitExceeded: "storage-unavailable",
  ServiceUnavailable: "storage-unavailable",
  InternalError: "storage-unavailable",
  OperationAborted: "storage-unavailable",
  ConditionalRequestConflict: "storage-unavailable",
  IncompleteBody: "storage-unavailable",
  BadDigest: "storage-unavailable",
  XAmzContentSHA256Mismatch: "storage-unavailable",
  QuotaExceeded: "storage-full",
  XMinioStorageFull: "storage-full",
  XMinioAdminBucketQuotaExceeded: "storage-full",
  EntityTooLarge: "storage-misconfigured",
  NotImplemented: "storage-misconfigured",
  InvalidObjectState: "storage-misconfigured",
};

const codesByStatus: Readonly<Record<number, ErrorCode>> = {
  401: "storage-denied",
  403: "storage-denied",
  408: "storage-unavailable",
  412: "object-exists",
  416: "range-invalid",
  429: "storage-unavailable",
  501: "storage-misconfigured",
  507: "storage-full",
};

/** TLS failures that no second try cures; their codes also begin with ERR_TLS_ or ERR_SSL_. */
const certificateErrors = new Set([
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
  "CERT_REVOKED",
  "CERT_UNTRUSTED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "HOSTNAME_MISMATCH",
  "INVALID_CA",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "EPROTO",
]);

/** What was tried, and where. */
export interface S3Request {
  /** E.g. "read", "write", "list". */
  readonly action: string;
  readonly key: string;
  readonly bucket: string;
  readonly endpoint: string;
  /** The store's clock minus ours, when it has shown it. */
  readonly clockOffsetMs?: number | undefined;
}

/** Beyond it stores refuse a signature, and in an answer to HEAD they cannot say why. */
const toleratedClockOffsetMs: number = 15 * 60_000;

/** The parts of an SDK or Node error that count here. */
export interface S3Failure {
  readonly name: string;
  readonly message: string;
  readonly status: number | undefined;
  /** Node's error code, e.g. ECONNREFUSED. */
  readonly errno: string | undefined;
  /** The region that the store wants to be asked in, if it said so. */
  readonly region: string | undefined;
}

export function readFailure(error: unknown): S3Failure {
  const facts = (typeof error === "object" && error !== null ? error : {}) as SdkErrorShape;
  const errno = facts.code ?? facts.cause?.code ?? facts.errors?.[0]?.code;
  return {
    name: facts.name ?? "Error",
    message: facts.message || facts.errors?.[0]?.message || "",
    status: facts.$metadata?.httpStatusCode ?? facts.$response?.statusCode,
    errno: typeof errno === "string" ? errno : undefined,
    region: facts.$response?.headers?.["x-amz-bucket-region"] ?? facts.Region,
  };
}

interface SdkErrorShape {
  readonly name?: string;
  readonly message?: string;
  readonly code?: unknown;
  readonly cause?: { readonly code?: unknown };
  /** AggregateError of a host with several addresses. */
  readonly errors?: readonly { readonly code?: unknown; readonly message?: string }[];
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly statusCode?: number; readonly headers?: Record<string, string> };
  readonly Region?: string;
}

export function s3Error(error: unknown, request: S3Request): RepositoryError {
  if (RepositoryError.is(error)) return error;
  const failure = readFailure(error);
  const code = codeOf(failure);
  const place = `the bucket ${request.bucket} at ${request.endpoint}`;
  return new RepositoryError(code, describe(code, failure, { ...request, place }), {
    details: {
      key: request.key,
      bucket: request.bucket,
      reason: failure.name,
      status: failure.status,
      errno: failure.errno,
    },
    // The SDK's own error holds the whole exchange, session token included.
    cause: new Error(`${failure.name}: ${quote(failure)}`),
  });
}

/** True when the store gave this name as its reason. */
export function hasReason(error: unknown, reason: string): boolean {
  return RepositoryError.is(error) && error.details.reason === reason;
}

function codeOf(failure: S3Failure): ErrorCode {
  const { name, status, errno } = failure;
  // An answer without a body (to HEAD) has no name; a 404 with another name is about something else than the key.
  if (status === 404 && isNameless(failure)) return "object-missing";
  const byAnswer = codesByName[name] ?? (status === undefined ? undefined : codesByStatus[status]);
  if (byAnswer !== undefined) return byAnswer;
  if (errno !== undefined) return isCertificateError(errno) ? "storage-misconfigured" : "storage-unavailable";
  // A refusal that we do not know will be repeated; without an answer, or with one that is broken, another try may do.
  return status !== undefined && status >= 400 && status < 500 ? "storage-misconfigured" : "storage-unavailable";
}

function isCertificateError(errno: string): boolean {
  return certificateErrors.has(errno) || errno.startsWith("ERR_TLS_") || errno.startsWith("ERR_SSL_");
}

function describe(code: ErrorCode, failure: S3Failure, request: S3Request & { place: string }): string {
  const { action, key, place, bucket, endpoint } = request;
  if (failure.name === "NoSuchBucket") return `the bucket ${bucket} does not exist at ${endpoint}`;
  if (code === "object-missing") return `${key} does not exist in ${place}`;
  if (code === "object-exists") return `${key} exists already in ${place}`;
  if (failure.errno !== undefined && isCertificateError(failure.errno)) {
    return `no trusted TLS connection to ${endpoint}: ${quote(failure)}`;
  }
  const clockHint = code === "storage-denied" ? wrongClock(request.clockOffsetMs) : "";
  return `cannot ${action} ${key === "" ? place : `${key} in ${place}`}: ${quote(failure)}${clockHint}`;
}

function wrongClock(offsetMs = 0): string {
  if (Math.abs(offsetMs) < toleratedClockOffsetMs) return "";
  const minutes = Math.round(Math.abs(offsetMs) / 60_000);
  return `; this machine's clock is ${minutes} minutes ${offsetMs > 0 ? "behind" : "ahead of"} the store's: set it`;
}

/** The store's words, on one line and not too many. */
function quote(failure: S3Failure): string {
  const label = failure.errno ?? (isNameless(failure) ? `HTTP status ${failure.status ?? "unknown"}` : failure.name);
  const words = failure.message.replaceAll(/\s+/g, " ").trim().slice(0, 300);
  const saysNothing = words === "" || words === failure.name || words === "UnknownError";
  if (saysNothing || label === "EPROTO") return label;
  return words.includes(label) ? words : `${label} (${words})`;
}

function isNameless({ name }: S3Failure): boolean {
  return name === "Error" || name === "Unknown" || name === "UnknownError";
}
