// The command line against a real S3 server: the whole way, and what is said when the bucket or the key is wrong.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { compareTrees } from "../support/compare-trees.ts";
import { startProcess } from "../support/processes.ts";
import { resticMust } from "../support/restic.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";
import { repositoryEnvironment, stowage, stowageMust, stowageWords } from "../support/stowage-cli.ts";
import { makeTemporaryDirectory, removeDirectory } from "../support/temporary-directory.ts";

const folder = makeTemporaryDirectory("cli-s3");
const source = join(folder, "source");
const plantedSecret = "planted-secret-of-a-test";
let server: S3Server;

before(async () => {
  server = await startS3Server({ buckets: ["bucket"] });
  mkdirSync(source);
  writeFileSync(join(source, "small"), "content");
  writeFileSync(join(source, "large"), Buffer.alloc(20 * 1024 * 1024, "not only zeros "));
});
after(async () => {
  await server.stop();
  removeDirectory(folder);
});

describe("s3:http://…", () => {
  it("init, backup, check and restore; restic agrees", async () => {
    const options = { repository: server.location("bucket", "a/prefix"), env: server.env };
    const { stdout } = await stowageMust(["init", "--json"], options);
    assert.equal((JSON.parse(stdout) as Record<string, unknown>).repository, options.repository);
    await stowageMust(["backup", source], options);
    await stowageMust(["check", "--read-data"], options);
    const target = join(folder, "target");
    await stowageMust(["restore", `latest:${source}`, "--target", target], options);
    assert.deepEqual(compareTrees(source, target, { root: false }), []);
    await resticMust(["check", "--read-data"], options);
  });

  it("a bucket that does not exist, and one without a repository", async () => {
    const missing = await stowage(["snapshots"], { repository: server.location("nowhere"), env: server.env });
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /the bucket nowhere does not exist/);
    const empty = await stowage(["snapshots"], { repository: server.location("bucket", "empty"), env: server.env });
    assert.equal(empty.code, 10);
    assert.match(empty.stderr, /stowage repo init/);
  });

  it("a wrong key, half a key, a key in the location: said at once, and never shown", async () => {
    const repository = server.location("bucket", "a/prefix");
    const wrong = { ...server.env, AWS_SECRET_ACCESS_KEY: plantedSecret };
    for (const [env, location, expected] of [
      [wrong, repository, /SignatureDoesNotMatch.*next: check the credentials/s],
      [{ ...wrong, AWS_SECRET_ACCESS_KEY: "" }, repository, /the secret access key .* is missing/],
      [server.env, `s3:http://user:${plantedSecret}@127.0.0.1:1/bucket`, /credentials do not belong into it/],
    ] as const) {
      const { code, stdout, stderr } = await stowage(["snapshots", "-vv"], { repository: location, env });
      assert.equal(code, 1);
      assert.match(stderr, expected);
      assert.doesNotMatch(stdout + stderr, new RegExp(plantedSecret));
    }
  });

  it("a server that does not answer is tried again, which is said at once and can be ended", async () => {
    const repository = "s3:http://127.0.0.1:1/bucket";
    const running = await startProcess(process.execPath, {
      args: stowageWords(["snapshots"]),
      env: repositoryEnvironment({ repository, env: server.env }),
      isReady: ({ output }) => /ECONNREFUSED.*trying again in 1 s/.test(output()),
    });
    running.signal("SIGINT");
    assert.equal((await running.ended).code, 130);
  });

  it("with -o s3.retries=1 it is tried once more, and no longer", async () => {
    const repository = "s3:http://127.0.0.1:1/bucket";
    const { code, stderr } = await stowage(["snapshots", "-o", "s3.retries=1"], { repository, env: server.env });
    assert.equal(code, 1);
    assert.match(stderr, /tried 2 times/);
    // The config and the list of keys are asked for side by side.
    const repeated = stderr.match(/.*trying again.*/g) ?? [];
    assert.ok(repeated.length > 0);
    assert.equal(new Set(repeated).size, repeated.length, "no request is tried a third time");
  });
});
