// The verbs beyond backup and restore once on a real S3 server: their logic is tested on directories, here it is that listings,
// conditional requests, deletions and replaced objects of a bucket serve them as well. One repository goes through all.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { makeCheapRepository } from "../support/cheap-repository.ts";
import { runInProcess } from "../support/in-process-cli.ts";
import { resticMust } from "../support/restic.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { makeTemporaryDirectory, removeDirectory } from "../support/temporary-directory.ts";

const folder = makeTemporaryDirectory("cli-verbs-s3");
const source = join(folder, "source");
let server: S3Server;
let one: string;
let other: string;

before(async () => {
  server = await startS3Server({ buckets: ["bucket"] });
  const { accessKeyId, secretAccessKey, region } = server;
  const s3 = { region, credentials: { accessKeyId, secretAccessKey } };
  one = server.location("bucket", "one");
  other = server.location("bucket", "other");
  await makeCheapRepository(one, 1, { s3 });
  await makeCheapRepository(other, 2, { s3 });
  mkdirSync(join(source, "sub"), { recursive: true });
  // Where `repair packs` leaves what it takes out.
  process.chdir(folder);
  writeFileSync(join(source, "sub", "kept"), "kept content");
  writeFileSync(join(source, "large"), seededRandom(1).bytes(3_000_000));
});
after(async () => {
  await server.stop();
  removeDirectory(folder);
});

/** @returns standard output */
async function verb(words: readonly string[], repository: string = one): Promise<string> {
  const own = { RESTIC_REPOSITORY: repository, RESTIC_PASSWORD: "password", STOWAGE_NO_CACHE: "true" };
  const { code, stdout, stderr } = await runInProcess(words, { ...server.env, ...own, STOWAGE_RETRY_LOCK: "0" });
  assert.equal(code, 0, `${words.join(" ")}: ${stderr}${stdout}`);
  return stdout;
}

const lines = (text: string): string[] => text.split("\n").filter((line) => line !== "");
const summaryOf = (text: string): Record<string, unknown> => JSON.parse(lines(text).at(-1) ?? "{}");
const snapshotIds = async (repository?: string): Promise<string[]> =>
  lines(await verb(["list", "snapshots"], repository));

/** Files of the repository as the server keeps them. */
function stored(kind: "data" | "index"): string[] {
  const place = join(server.dataFolder, "bucket", "one", kind);
  const entries = readdirSync(place, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.map((entry) => join(entry.parentPath, entry.name)).filter((path) => /[0-9a-f]{64}$/.test(path));
}

describe("on S3", { concurrency: false }, () => {
  it("migrate replaces the config of a repository of version 1", async () => {
    await verb(["backup", source]);
    await verb(["migrate", "upgrade_repo_v2"]);
    assert.match(await verb(["cat", "config"]), /"version": ?2/);
  });

  it("diff, find and dump read two snapshots", async () => {
    const [first = ""] = await snapshotIds();
    writeFileSync(join(source, "sub", "added"), "added content");
    const { snapshot_id: second } = summaryOf(await verb(["backup", source, "--json"]));
    assert.match(await verb(["diff", first, String(second)]), /^\+\s+.*\/sub\/added$/m);
    assert.match(await verb(["find", "add*"]), /\/sub\/added/);
    const [file, tar] = [join(folder, "dumped"), join(folder, "dumped.tar")];
    await verb(["dump", "latest", join(source, "sub", "added"), "--target", file]);
    assert.equal(readFileSync(file, "utf8"), "added content");
    await verb(["dump", "latest", join(source, "sub"), "--target", tar]);
    assert.match(readFileSync(tar, "latin1"), /added content.*kept content/s);
  });

  it("copy takes both to another repository of the same bucket, which restic finds sound", async () => {
    const passwordFile = join(folder, "password");
    writeFileSync(passwordFile, "password");
    const from = ["--from-repo", one, "--from-password-file", passwordFile];
    await verb(["copy", ...from], other);
    await verb(["copy", ...from], other);
    assert.equal((await snapshotIds(other)).length, 2);
    await resticMust(["check", "--read-data"], { repository: other, env: server.env });
  });

  it("rewrite --forget takes a file out of every snapshot", async () => {
    await verb(["rewrite", "--exclude", "added", "--forget"]);
    assert.equal((await snapshotIds()).length, 2);
    assert.doesNotMatch(await verb(["find", "added"]), /\/sub\/added/);
  });

  it("repair index finds packs that no index names, and repair packs stores a pack anew", async () => {
    for (const path of stored("index")) rmSync(path);
    await verb(["repair", "index"]);
    const [pack = ""] = lines(await verb(["list", "packs"]));
    await verb(["repair", "packs", pack]);
    assert.equal(lines(await verb(["list", "packs"])).includes(pack), false);
    await verb(["check", "--read-data"]);
  });

  it("recover brings back what forget took, and repair snapshots gives up what is lost", async () => {
    await verb(["forget", ...(await snapshotIds())]);
    assert.deepEqual(await snapshotIds(), []);
    assert.ok(Number(summaryOf(await verb(["recover", "--json"])).roots_found) >= 1);
    const packs = stored("data").filter((path) => statSync(path).size > 500_000);
    assert.ok(packs.length > 0, "those of the large file");
    for (const path of packs) rmSync(path);
    await verb(["repair", "index"]);
    assert.equal(summaryOf(await verb(["repair", "snapshots", "--forget", "--json"])).changed_snapshots, 1);
    await resticMust(["check", "--read-data"], { repository: one, env: server.env });
  });
});
