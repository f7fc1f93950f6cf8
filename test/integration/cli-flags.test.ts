// How a repository and its password are named: flags on both sides of the verb, variables and their twins, files,
// commands, standard input.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { makeCheapRepository } from "../support/cheap-repository.ts";
import { type StowageOptions, stowage, stowageMust } from "../support/stowage-cli.ts";
import { makeTemporaryDirectory, removeDirectory } from "../support/temporary-directory.ts";

const folder = makeTemporaryDirectory("cli-flags");
const repository = join(folder, "repository");
const source = join(folder, "source");
const passwordFile = join(folder, "password");
const locationFile = join(folder, "location");

before(async () => {
  await makeCheapRepository(repository);
  mkdirSync(source);
  writeFileSync(join(source, "file"), "content");
  writeFileSync(passwordFile, "password\n");
  writeFileSync(locationFile, `${repository}\n`);
  await stowageMust(["backup", source, "--host", "somewhere"], { repository });
});
after(() => removeDirectory(folder));

async function assertOpens(args: readonly string[], options: StowageOptions): Promise<void> {
  const { code, stderr } = await stowage([...args], options);
  assert.equal(code, 0, `${args.join(" ")}: ${stderr}`);
}

describe("naming the repository", () => {
  it("by a flag before or after the verb, in each of its forms", async () => {
    await assertOpens(["-r", repository, "list", "keys"], {});
    await assertOpens(["list", `--repo=${repository}`, "keys"], {});
    await assertOpens(["list", "keys", `-r${repository}`, "-q"], {});
    await assertOpens(["key", "-r", repository, "list"], {});
    await assertOpens(["key", "list", `-r=${repository}`], {});
  });

  it("by a variable, its twin, which wins, or a file", async () => {
    await assertOpens(["list", "keys"], { env: { RESTIC_REPOSITORY: "/no/such", STOWAGE_REPOSITORY: repository } });
    await assertOpens(["list", "keys"], { env: { RESTIC_REPOSITORY_FILE: locationFile } });
    await assertOpens(["list", "keys", "--repository-file", locationFile], { env: { RESTIC_REPOSITORY: "/no/such" } });
    await assertOpens(["list", "keys"], {
      env: { RESTIC_REPOSITORY: "/no/such", STOWAGE_REPOSITORY_FILE: locationFile },
    });
    const both = await stowage(["list", "keys"], { repository, env: { RESTIC_REPOSITORY_FILE: locationFile } });
    assert.match(both.stderr, /RESTIC_REPOSITORY and RESTIC_REPOSITORY_FILE exclude each other/);
  });
});

describe("naming the password", () => {
  it("by a file, a command, a twin or standard input; a flag puts variables aside", async () => {
    const options = { repository, password: null };
    await assertOpens(["list", "keys", "-p", passwordFile], options);
    await assertOpens(["list", "keys", "--password-command", `cat '${passwordFile}'`], options);
    await assertOpens(["list", "keys"], { ...options, env: { RESTIC_PASSWORD_COMMAND: `cat "${passwordFile}"` } });
    await assertOpens(["list", "keys"], {
      ...options,
      env: { RESTIC_PASSWORD: "no", STOWAGE_PASSWORD_FILE: passwordFile },
    });
    await assertOpens(["list", "keys", "-p", passwordFile], { ...options, env: { RESTIC_PASSWORD: "no" } });
    await assertOpens(["list", "keys"], { ...options, input: "password\n" });
  });

  it("wrongly: 12; not at all: 1, and how to", async () => {
    assert.equal((await stowage(["list", "keys"], { repository, password: "no" })).code, 12);
    const { code, stderr } = await stowage(["list", "keys"], { repository, password: null, input: "" });
    assert.equal(code, 1);
    assert.match(stderr, /there is no password: set RESTIC_PASSWORD_FILE/);
  });

  it("as empty only when that is said", async () => {
    const options = { repository: join(folder, "open"), password: null };
    assert.equal((await stowage(["init"], { ...options, input: "\n" })).code, 1);
    await assertOpens(["init", "--insecure-no-password"], options);
    await assertOpens(["list", "keys", "--insecure-no-password"], options);
    assert.equal((await stowage(["list", "keys", "--insecure-no-password"], { ...options, password: "x" })).code, 1);
  });
});

describe("other words", () => {
  it("numbers below zero, switches with a value, clusters and RESTIC_HOST", async () => {
    const { stdout } = await stowageMust(["forget", "--keep-last", "-1", "--dry-run"], { repository });
    assert.match(stdout, /0 snapshots would be removed/);
    const json = await stowageMust(["snapshots", "--json=true", "--no-lock=true", "--verbose=0"], { repository });
    assert.equal(json.messages.length, 1);
    const many = await stowageMust(["backup", source, "-nvv"], { repository });
    assert.match(many.stdout, /^new +.*\/file \(7 B\)$/m);
    const env = { RESTIC_HOST: "elsewhere" };
    assert.deepEqual((await stowageMust(["snapshots", "--json"], { repository, env })).messages, []);
    const every = await stowageMust(["snapshots", "--json", "--host", ""], { repository, env });
    assert.equal(every.messages.length, 1);
  });

  it("a path that is not UTF-8", async () => {
    const name = Buffer.from(`${source}/\xff`, "latin1");
    writeFileSync(name, "raw");
    const list = join(folder, "names");
    writeFileSync(list, Buffer.concat([name, Buffer.from([0])]));
    const { stdout } = await stowageMust(["backup", "--files-from-raw", list, "-n", "-vv"], { repository });
    assert.match(stdout, /\uFFFD \(3 B\)/);
  });

  it("a dry run writes nothing, not even a lock", async () => {
    const before = readdirSync(repository, { recursive: true }).length;
    await stowageMust(["backup", source, "--dry-run", "--force"], { repository });
    assert.equal(readdirSync(repository, { recursive: true }).length, before);
  });
});
