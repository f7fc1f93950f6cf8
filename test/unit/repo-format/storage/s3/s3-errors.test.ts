import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RepositoryError } from "../../../../../repo-format/errors.ts";
import { hasReason, readFailure, s3Error } from "../../../../../repo-format/storage/s3/s3-errors.ts";

const request = { action: "write", key: "data/ab/x", bucket: "bucket", endpoint: "https://minio:9000" };

/** An error as the SDK throws it. */
function sdkError(name: string, status: number | undefined, message: string = "", more: object = {}): Error {
  const metadata = status === undefined ? {} : { $metadata: { httpStatusCode: status } };
  return Object.assign(new Error(message), { name, ...metadata, ...more });
}

describe("s3Error", () => {
  it("reads as action, place and the store's own words", () => {
    const error = s3Error(sdkError("AccessDenied", 403, "User x may not\n  put objects"), request);
    assert.equal(error.code, "storage-denied");
    assert.equal(
      error.message,
      "cannot write data/ab/x in the bucket bucket at https://minio:9000: AccessDenied (User x may not put objects)",
    );
    assert.deepEqual(error.details, {
      key: "data/ab/x",
      bucket: "bucket",
      reason: "AccessDenied",
      status: 403,
      errno: undefined,
    });
    assert.ok(hasReason(error, "AccessDenied"));
  });

  it("an answer to HEAD has no name: its status decides", () => {
    const codes = [404, 403, 412, 500].map((status) => s3Error(sdkError("UnknownError", status), request).code);
    assert.deepEqual(codes, ["object-missing", "storage-denied", "object-exists", "storage-unavailable"]);
    assert.match(s3Error(sdkError("UnknownError", 403, "UnknownError"), request).message, /: HTTP status 403$/);
  });

  it("names a clock that is far off where a refusal may come from that", () => {
    const refusedAt = (clockOffsetMs: number, name = "UnknownError"): string =>
      s3Error(sdkError(name, 403, name), { ...request, clockOffsetMs }).message;
    assert.match(
      refusedAt(3 * 3_600_000),
      /: HTTP status 403; this machine's clock is 180 minutes behind the store's: set it$/,
    );
    assert.match(refusedAt(-1_200_000), /; this machine's clock is 20 minutes ahead of the store's: set it$/);
    assert.match(refusedAt(60_000), /: HTTP status 403$/);
    assert.match(s3Error(sdkError("SlowDown", 503), { ...request, clockOffsetMs: 3_600_000 }).message, /SlowDown$/);
  });

  it("a 404 about something else than the key is no missing object", () => {
    assert.equal(s3Error(sdkError("NoSuchUpload", 404), request).code, "storage-misconfigured");
    assert.equal(s3Error(sdkError("XAdminUserNotFound", 404), request).code, "storage-denied");
  });

  for (const errno of ["ENOTFOUND", "ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "EAI_AGAIN", "EHOSTUNREACH"]) {
    it(`${errno} may pass`, () => {
      const error = s3Error(sdkError("Error", undefined, `connect ${errno} 10.0.0.1:9000`, { code: errno }), request);
      assert.equal(error.code, "storage-unavailable");
      assert.match(error.message, new RegExp(`: connect ${errno} 10.0.0.1:9000$`));
    });
  }

  for (const errno of [
    "DEPTH_ZERO_SELF_SIGNED_CERT",
    "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    "ERR_TLS_CERT_ALTNAME_INVALID",
    "EPROTO",
  ]) {
    it(`${errno} will not pass by itself`, () => {
      const error = s3Error(sdkError("Error", undefined, "words", { code: errno }), request);
      assert.equal(error.code, "storage-misconfigured");
      assert.match(error.message, new RegExp(`^no trusted TLS connection to https://minio:9000: ${errno}`));
    });
  }

  it("a host with several addresses fails with the reason of one of them", () => {
    const refused = Object.assign(new Error("connect ECONNREFUSED ::1:9000"), { code: "ECONNREFUSED" });
    const error = s3Error(new AggregateError([refused]), request);
    assert.equal(error.code, "storage-unavailable");
    assert.match(error.message, /ECONNREFUSED/);
  });

  it("the cause keeps words, not the exchange with its headers", () => {
    const secret = { $response: { headers: {} }, $request: { headers: { "x-amz-security-token": "token-123" } } };
    const error = s3Error(sdkError("InternalError", 500, "try again", secret), request);
    assert.deepEqual(Object.keys(error.cause as object), []);
    assert.equal(String(error.cause), "Error: InternalError: InternalError (try again)");
  });

  it("an error of ours passes unchanged", () => {
    const ours = new RepositoryError("object-truncated", "short");
    assert.equal(s3Error(ours, request), ours);
  });

  it("whatever else was thrown becomes an error that may pass", () => {
    for (const thrown of [undefined, null, "text", new TypeError("x is undefined")]) {
      assert.equal(s3Error(thrown, request).code, "storage-unavailable");
    }
  });
});

describe("readFailure", () => {
  it("finds the region that the store wants to be asked in, in the header or the body", () => {
    const header = { $response: { statusCode: 301, headers: { "x-amz-bucket-region": "eu-west-3" } } };
    assert.equal(readFailure(sdkError("PermanentRedirect", 301, "", header)).region, "eu-west-3");
    assert.equal(
      readFailure(sdkError("AuthorizationHeaderMalformed", 400, "", { Region: "eu-west-3" })).region,
      "eu-west-3",
    );
    assert.equal(readFailure(sdkError("AccessDenied", 403)).region, undefined);
  });
});
