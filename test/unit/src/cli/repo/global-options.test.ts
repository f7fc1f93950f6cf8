import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseDurationMs, parseStoreSettings } from "../../../../../src/cli/repo/global-options.ts";

describe("parseDurationMs", () => {
  it("takes Go's durations", () => {
    assert.deepEqual(
      ["0", "90s", "1h30m", "1.5s", "250ms"].map((text) => parseDurationMs(text, "--x")),
      [0, 90_000, 5_400_000, 1500, 250],
    );
  });

  it("names the flag of a malformed one", () => {
    for (const text of ["", "5", "1d", "s"])
      assert.throws(() => parseDurationMs(text, "--retry-lock"), /--retry-lock: "/);
  });
});

describe("parseStoreSettings", () => {
  it("splits at the first equals sign", () => {
    assert.deepEqual(parseStoreSettings(["S3.region=eu", "s3.x=a=b"]), { "s3.region": "eu", "s3.x": "a=b" });
    assert.deepEqual(parseStoreSettings(["a.b=c,d.e=f", "a.b=c"]), { "a.b": "c", "d.e": "f" });
    assert.throws(() => parseStoreSettings(["s3.region"]), /write it like/);
    assert.throws(() => parseStoreSettings(["s3.region=a", "s3.region=b"]), /s3.region: given twice/);
  });
});
