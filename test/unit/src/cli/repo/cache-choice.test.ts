import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readCliEnvironment } from "../../../../../src/cli/cli-config.ts";
import { cacheChoice } from "../../../../../src/cli/repo/cache-choice.ts";
import type { GlobalFlags } from "../../../../../src/cli/repo/global-options.ts";

interface Case {
  readonly flags?: Partial<GlobalFlags>;
  readonly env?: NodeJS.ProcessEnv;
  readonly location?: string;
  readonly verb?: string;
}

function directoryOf({ flags = {}, env = {}, location = "s3:https://host/bucket", verb = "ls" }: Case) {
  const warnings: string[] = [];
  const choices = {
    flags: { verbose: 0, lock: true, extraVerify: true, ...flags },
    environment: readCliEnvironment({ HOME: "/home/ann", ...env }),
  };
  const say = (message: string): void => void warnings.push(message);
  const choice = cacheChoice(choices, { location, verb, say, clock: () => 0 });
  return { directory: choice?.directory, maxBytes: choice?.maxBytes, removeOld: choice?.removeOld, warnings };
}

describe("cacheChoice", () => {
  it("is for remote repositories, below the first place that is named", () => {
    assert.equal(directoryOf({}).directory, "/home/ann/.cache/stowage");
    assert.equal(directoryOf({ env: { XDG_CACHE_HOME: "/x" } }).directory, "/x/stowage");
    const env = { XDG_CACHE_HOME: "/x", RESTIC_CACHE_DIR: "/r" };
    assert.equal(directoryOf({ env }).directory, "/r");
    assert.equal(directoryOf({ env: { ...env, STOWAGE_CACHE_DIR: "/s" } }).directory, "/s");
    assert.equal(directoryOf({ env, flags: { cacheDir: "/f" } }).directory, "/f");
  });

  it("is for a directory only where --cache-dir asks for it", () => {
    assert.equal(directoryOf({ location: "/repo", env: { RESTIC_CACHE_DIR: "/r" } }).directory, undefined);
    assert.equal(directoryOf({ location: "/repo", flags: { cacheDir: "/f" } }).directory, "/f");
  });

  it("is off by flag, by variable, and for those who must see the store itself", () => {
    assert.equal(directoryOf({ flags: { cache: false, cacheDir: "/f" } }).directory, undefined);
    assert.equal(directoryOf({ env: { STOWAGE_NO_CACHE: "true" } }).directory, undefined);
    for (const verb of ["check", "repair index"]) assert.equal(directoryOf({ verb }).directory, undefined);
  });

  it("says when there is no place for it, and takes a limit and a broom", () => {
    const { directory, warnings } = directoryOf({ env: { HOME: "" } });
    assert.deepEqual([directory, warnings.length], [undefined, 1]);
    const { maxBytes, removeOld } = directoryOf({ flags: { cacheSize: "500M", cleanupCache: true } });
    assert.deepEqual([maxBytes, removeOld], [500 * 1024 * 1024, true]);
    for (const cacheSize of ["0", "-1", "x"])
      assert.throws(() => directoryOf({ flags: { cacheSize } }), /write a size like 500M/);
  });
});
