import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readCliEnvironment } from "../../../../../src/cli/cli-config.ts";
import { Output } from "../../../../../src/cli/output/output.ts";
import { CommandContext } from "../../../../../src/cli/repo/command-context.ts";
import { fromContext } from "../../../../../src/cli/repo/from-repository.ts";
import { repositoryLocation } from "../../../../../src/cli/repo/repository-flags.ts";

function contextOf(env: NodeJS.ProcessEnv): CommandContext {
  const sink = { write: () => true };
  const output = new Output({ stdout: sink, stderr: sink });
  const { signal } = new AbortController();
  const context = new CommandContext({
    output,
    environment: readCliEnvironment(env),
    signal,
    clock: () => 0,
    version: "0",
  });
  context.flags = {
    ...context.flags,
    repo: "/target",
    passwordFile: "/target-password",
    keyHint: "aa",
    option: ["s3.region=x"],
  };
  return context;
}

describe("fromContext", () => {
  it("takes what names the source, and all else from the command", async () => {
    const context = contextOf({ RESTIC_FROM_REPOSITORY: "/source", RESTIC_FROM_PASSWORD: "secret" });
    const from = fromContext({}, context);
    assert.equal(await repositoryLocation(from), "/source");
    assert.equal(await from.password(false), "secret");
    assert.deepEqual(from.flags.option, ["s3.region=x"]);
    // What opens the target says nothing about the source.
    assert.deepEqual(
      [from.flags.passwordFile, from.flags.keyHint, from.environment.keyHint],
      [undefined, undefined, undefined],
    );
    const flagged = fromContext({ fromRepo: "/flag", fromKeyHint: "bb" }, context);
    assert.equal(await repositoryLocation(flagged), "/flag");
    assert.equal(flagged.flags.keyHint, "bb");
  });

  it("says what is missing by the names of the source's flags and variables", async () => {
    assert.throws(
      () => fromContext({}, contextOf({ RESTIC_REPOSITORY: "/target" })),
      /--from-repo, or set RESTIC_FROM_REPO/,
    );
    const both = fromContext({ fromRepo: "/a", fromRepositoryFile: "/b" }, contextOf({}));
    await assert.rejects(both.openStore(), /the source repository: --from-repo and --from-repository-file exclude/);
    const unreadable = fromContext({ fromRepo: "/a", fromPasswordFile: "/no/such/file" }, contextOf({}));
    await assert.rejects(unreadable.password(false), /the source repository: cannot read the password file/);
    const twice = fromContext({ fromRepo: "/a", fromPasswordFile: "/f", fromPasswordCommand: "c" }, contextOf({}));
    await assert.rejects(twice.password(false), /--from-password-file and --from-password-command exclude/);
  });
});
