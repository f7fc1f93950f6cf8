import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { durationFlag, logLevelFlag, oneOf, parseRoleFlags, sizeFlag } from "../../../../src/platform/role-flags.ts";

const known = {
  values: ["namespace", "timeout"],
  switches: ["all"],
  aliases: { n: "namespace", "every-one": "all" },
} as const;

describe("parseRoleFlags", () => {
  it("takes values after a blank or an equals sign, switches, and other names", () => {
    assert.deepEqual(parseRoleFlags(["-n", "a", "--timeout=5m", "--every-one"], known).values, {
      namespace: "a",
      timeout: "5m",
    });
    assert.deepEqual(parseRoleFlags(["--all=false"], known).switches, { all: false });
    assert.deepEqual(parseRoleFlags(["--every-one"], known).switches, { all: true });
  });

  it("warns about unknown flags and swallows their values", () => {
    const { values, warnings } = parseRoleFlags(["--features", "EnableCSI", "--namespace", "a"], known);
    assert.deepEqual(values, { namespace: "a" });
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? "", /--features/);
  });

  it("says nothing about an unknown flag that is set to nothing", () => {
    assert.deepEqual(parseRoleFlags(["--features=", "--namespace", "a"], known).warnings, []);
  });

  it("refuses stray words, missing values and switches that are neither true nor false", () => {
    assert.throws(() => parseRoleFlags(["stray"], known), /unexpected argument "stray"/);
    assert.throws(() => parseRoleFlags(["--namespace"], known), /--namespace needs a value/);
    assert.throws(() => parseRoleFlags(["--all=maybe"], known), /true or false/);
  });
});

describe("durationFlag, logLevelFlag and oneOf", () => {
  it("reads sizes in binary units", () => {
    const sizes = ["1", "3K", "500M", "2Gi", "1t"].map((text) => sizeFlag("size", text));
    assert.deepEqual(sizes, [1, 3 * 1024, 500 * 1024 ** 2, 2 * 1024 ** 3, 1024 ** 4]);
    for (const text of ["", "0", "-1", "1.5G", "1Q", "G"]) {
      assert.throws(() => sizeFlag("size", text), { code: "flag-invalid", message: /--size must be a size/ });
    }
  });

  it("name the flag in what they refuse", () => {
    assert.equal(durationFlag("t", "1m30s"), 90_000);
    assert.throws(() => durationFlag("t", "soon"), /--t must be a duration/);
    assert.deepEqual(["warning", "panic", "info"].map(logLevelFlag), ["warn", "error", "info"]);
    assert.throws(() => oneOf("f", "x", ["a", "b"]), /--f must be a or b/);
  });
});
