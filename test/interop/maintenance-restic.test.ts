// A repository that restic made, looked at and maintained by us, and the reverse: same listings, same numbers, and both
// programs find it sound after the other's prune.

import assert from "node:assert/strict";
import { appendFileSync, linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { buffer } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import type { Node } from "../../repo-format/format/node.ts";
import { parseTime } from "../../repo-format/format/time.ts";
import { cat } from "../../repo-format/inspect/cat.ts";
import { dumpFile } from "../../repo-format/inspect/dump.ts";
import { findTree } from "../../repo-format/inspect/find-node.ts";
import { list } from "../../repo-format/inspect/list.ts";
import { ls } from "../../repo-format/inspect/ls.ts";
import { collectStats, type RepositoryStats, statsModes } from "../../repo-format/inspect/stats.ts";
import { check } from "../../repo-format/maintenance/check.ts";
import { forget } from "../../repo-format/maintenance/forget.ts";
import { emptyPolicy } from "../../repo-format/maintenance/forget-policy.ts";
import { prune } from "../../repo-format/maintenance/prune.ts";
import { tagSnapshots } from "../../repo-format/maintenance/tag.ts";
import { findSnapshots, resolveSnapshot } from "../../repo-format/repository/find-snapshots.ts";
import { parseGroupBy } from "../../repo-format/repository/group-snapshots.ts";
import { openRepository, type Repository } from "../../repo-format/repository/repository.ts";
import { LocalDirectoryStorage } from "../../repo-format/storage/local-directory.ts";
import { seededBytes, testIdentity, testPassword } from "../support/memory-repository.ts";
import { restic, resticMust } from "../support/restic.ts";
import { buildRepository, type RepositorySketch } from "../support/synthetic-repository.ts";
import { makeTemporaryDirectory, removeDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

const lockTimings = { settleMs: 0 };

/** Changes something in the source before each backup. */
function changeSource(source: string, round: number): void {
  mkdirSync(join(source, "dir", `sub ${round}`), { recursive: true });
  writeFileSync(join(source, "dir", `sub ${round}`, "random"), seededBytes(round, 300_000 + round));
  writeFileSync(join(source, "dir", "rewritten ü"), `round ${round}\n`.repeat(1000));
  writeFileSync(join(source, `empty-${round}`), "");
  appendFileSync(join(source, "growing"), seededBytes(`part ${round}`, 200_000));
  if (round > 1) rmSync(join(source, "dir", `sub ${round - 1}`, "random"));
}

function createSource(source: string): void {
  mkdirSync(join(source, "dir"), { recursive: true });
  writeFileSync(join(source, "linked"), seededBytes("linked", 5000));
  linkSync(join(source, "linked"), join(source, "dir", "link"));
  symlinkSync("dir/link", join(source, "symlink"));
  writeFileSync(Buffer.concat([Buffer.from(join(source, "raw-")), Buffer.from([0xff, 0xfe])]), "raw");
}

const nodeFields = (path: Buffer, node: Node): Record<string, unknown> => ({
  path: path.toString(),
  type: node.type,
  mode: node.mode,
  uid: node.uid,
  gid: node.gid,
  size: node.type === "file" ? node.size : undefined,
  inode: node.inode === 0n ? undefined : Number(node.inode),
  mtime: parseTime(node.mtime).unixNs,
});

function resticNode(message: Record<string, unknown>): Record<string, unknown> {
  const { path, type, mode, uid, gid, size, inode, mtime } = message;
  return { path, type, mode, uid, gid, size, inode, mtime: parseTime(String(mtime)).unixNs };
}

function resticStats(stats: RepositoryStats): Record<string, number> {
  const named = {
    total_size: stats.totalSize,
    total_uncompressed_size: stats.totalUncompressedSize,
    compression_ratio: stats.compressionRatio,
    compression_progress: stats.compressionProgress,
    compression_space_saving: stats.compressionSpaceSaving,
    total_file_count: stats.totalFileCount,
    total_blob_count: stats.totalBlobCount,
  };
  const present = Object.entries(named).filter(([name, value]) => name === "total_size" || value !== 0);
  return { ...Object.fromEntries(present), snapshots_count: stats.snapshotsCount };
}

describe("inspection and maintenance of a repository made by restic", () => {
  const folder = makeTemporaryDirectory("restic-made");
  const source = join(folder, "source");
  const path = join(folder, "repository");
  const options = { repository: path, cwd: folder };
  let repo: Repository;

  before(async () => {
    createSource(source);
    await resticMust(["init"], options);
    for (let round = 1; round <= 4; round++) {
      changeSource(source, round);
      const time = `2024-05-0${round} 10:00:00`;
      await resticMust(["backup", "--time", time, "--tag", `round${round}`, "--host", "h", "source"], options);
    }
    const storage = new LocalDirectoryStorage(path);
    repo = await openRepository({ storage, password: "password", identity: testIdentity });
    await repo.refreshIndex();
  });
  after(() => removeDirectory(folder));

  for (const { dirs, recursive } of [
    { dirs: [], recursive: false },
    { dirs: ["/source/dir"], recursive: false },
    { dirs: ["/source/dir", "/source/growing"], recursive: true },
    { dirs: ["/nothing"], recursive: false },
    { dirs: ["/"], recursive: false },
  ]) {
    test(`ls ${dirs.join(" ")}${recursive ? " --recursive" : ""} lists what restic lists`, async () => {
      const flags = recursive ? ["--recursive"] : [];
      const { messages } = await resticMust(["ls", "--json", ...flags, "latest", ...dirs], options);
      const { snapshot } = await resolveSnapshot(repo, "latest");
      const ours: Record<string, unknown>[] = [];
      for await (const { path, node } of ls(repo, snapshot.tree, { dirs, recursive }))
        ours.push(nodeFields(path, node));
      assert.deepEqual(ours, messages.filter((message) => message.message_type === "node").map(resticNode));
    });
  }

  for (const mode of statsModes) {
    test(`collectStats in mode ${mode} counts what restic counts`, async () => {
      const { messages } = await resticMust(["stats", "--json", "--mode", mode], options);
      const stats = await collectStats(repo, await findSnapshots(repo), { mode });
      assert.deepEqual(resticStats(stats), messages[0]);
    });
  }

  test("dumpFile, cat and list give the bytes and ids that restic gives", async () => {
    const { snapshot, subfolder } = await resolveSnapshot(repo, "latest:source/dir");
    const treeId = await findTree(repo, snapshot.tree, subfolder);
    const output = new PassThrough();
    const bytes = buffer(output);
    await dumpFile(repo, { treeId, path: "/rewritten ü" }, output);
    output.end();
    const { stdout } = await resticMust(["dump", "latest:source/dir", "/rewritten ü"], options);
    assert.equal((await bytes).toString(), stdout);

    const latest = await resolveSnapshot(repo, "latest");
    const tree = await resticMust(["cat", "tree", `${latest.id}:source`], options);
    assert.equal((await cat(repo, "tree", `${latest.id}:source`)).toString(), tree.stdout);
    for (const [kind, name] of [
      ["config", ""],
      ["masterkey", ""],
      ["snapshot", latest.id.slice(0, 10)],
      ["key", repo.keyId],
    ] as const) {
      const theirs = await resticMust(["cat", kind, ...(name === "" ? [] : [name])], options);
      assert.deepEqual(JSON.parse((await cat(repo, kind, name)).toString()), JSON.parse(theirs.stdout), kind);
    }
    for (const kind of ["snapshots", "packs", "index", "keys", "blobs"] as const) {
      const ours: string[] = [];
      for await (const line of list(repo, kind)) ours.push(line);
      const theirs = await resticMust(["list", kind], options);
      assert.deepEqual(ours.sort(), theirs.stdout.trim().split("\n").sort(), kind);
    }
  });

  test("check finds the repository sound, and so it is after our tag, forget and prune", async () => {
    const isSound = async (): Promise<boolean> => {
      const result = await check(repo, { readData: { kind: "all" }, lockTimings });
      return result.findings.length === 0;
    };
    assert.ok(await isSound());
    const [change] = await tagSnapshots(repo, { tags: [["round2"]], add: ["kept"], lockTimings });
    const { messages } = await resticMust(["snapshots", "--json", "--tag", "kept"], options);
    assert.deepEqual(
      messages.map(({ id, original }) => [id, original]),
      [[change?.newId, change?.oldId]],
    );

    const policy = { ...emptyPolicy, last: 1, tags: [["kept"]] };
    const groupBy = parseGroupBy("host");
    const result = await forget(repo, { policy, groupBy, prune: { maxUnusedBytes: () => 0 }, lockTimings });
    assert.equal(result.remove.length, 2);
    assert.ok((result.prune?.stats.blobs.remove ?? 0) + (result.prune?.stats.blobs.repackRemove ?? 0) > 0);
    assert.ok(await isSound());
    const verdict = await resticMust(["check", "--read-data", "--check-unused"], options);
    assert.match(verdict.stdout, /no errors were found/);
    await resticMust(["restore", "latest", "--target", join(folder, "restored"), "--verify"], options);
  });

  test("our check is clean after restic's forget and prune, and knows that another program changed the index", async () => {
    await resticMust(["forget", "--keep-last=1", "--prune", "--max-unused=0"], options);
    const result = await check(repo, { readData: { kind: "all" }, findUnused: true, lockTimings });
    assert.deepEqual(result.findings, []);
  });

  test("check and restic check agree that a lost pack and a changed pack are errors", async () => {
    const packs: string[] = [];
    for await (const line of list(repo, "packs")) packs.push(line);
    const [first = ""] = packs;
    const file = join(path, "data", first.slice(0, 2), first);
    const storage = new LocalDirectoryStorage(path);
    const key = `data/${first.slice(0, 2)}/${first}`;
    const original = await storage.get(key);
    rmSync(file);
    const missing = await check(repo, { lockTimings });
    assert.deepEqual(missing.findings[0]?.code, "pack-missing");
    assert.equal((await restic(["check"], options)).code, 1);
    const damaged = Buffer.from(original);
    damaged[40] = (damaged[40] ?? 0) ^ 1;
    await storage.put(key, damaged);
    const changed = await check(repo, { readData: { kind: "all" }, lockTimings });
    assert.deepEqual(changed.brokenPacks, [first]);
    assert.ok(!changed.isSound);
    assert.equal((await restic(["check", "--read-data"], options)).code, 1);
  });
});

/** Every blob in exactly one pack: with duplicates the choice of the copy to keep depends on the order of the index. */
const sketches: fc.Arbitrary<RepositorySketch> = fc
  .record({
    version: fc.constantFrom<1 | 2>(1, 2),
    trees: fc.array(
      fc.record({
        files: fc.array(fc.nat(5), { maxLength: 3 }),
        subtrees: fc.array(fc.nat(5), { maxLength: 2 }),
      }),
      { minLength: 6, maxLength: 6 },
    ),
    packOf: fc.array(fc.nat(11), { minLength: 12, maxLength: 12 }),
    isCompressed: fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
    snapshots: fc.array(fc.nat(5), { minLength: 1, maxLength: 2 }),
  })
  .map(({ version, trees, packOf, isCompressed, snapshots }) => {
    const packs = [...new Set(packOf)].map((pack) => ({
      blobs: packOf.flatMap((of, number) =>
        of === pack ? [{ number, isCompressed: version === 2 && (isCompressed[number] ?? false) }] : [],
      ),
      indexes: [pack % 2],
      isStored: true,
    }));
    return { version, trees, packs, snapshots };
  });

describe("the plan of a prune", () => {
  for (const [number, sketch] of fc.sample(sketches, { seed: 7, numRuns: 12 }).entries()) {
    const unlimited = number % 3 === 0;
    test(`prune plans what restic's dry run plans for repository ${number}`, async (t) => {
      const path = temporaryDirectory(t, "plan");
      const { repo } = await buildRepository(sketch, new LocalDirectoryStorage(path, { create: true }));
      const maxUnused = unlimited ? "unlimited" : "0";
      const args = ["prune", "--dry-run", "-v", "--max-unused", maxUnused];
      const { stdout } = await resticMust(args, { repository: path, password: testPassword });
      const maxUnusedBytes = (): number => (unlimited ? Number.POSITIVE_INFINITY : 0);
      const { stats, plan } = await prune(repo, { dryRun: true, maxUnusedBytes, lockTimings });
      const numbers = (label: string, what: string): number[] =>
        [...stdout.matchAll(new RegExp(`^${label}: +(\\d+) ${what}`, "gm"))].map((match) => Number(match[1]));
      assert.deepEqual(numbers("used", "blobs"), [stats.blobs.used]);
      assert.deepEqual(numbers("unused", "blobs"), [stats.blobs.unused]);
      assert.deepEqual(numbers("to repack", "blobs"), [stats.blobs.repack]);
      assert.deepEqual(numbers("this removes", "blobs"), [stats.blobs.repackRemove]);
      assert.deepEqual(numbers("to delete", "blobs"), [stats.blobs.remove]);
      assert.deepEqual(numbers("to keep", "packs"), [stats.packs.keep]);
      const listed = (title: string): string[] =>
        (
          stdout
            .split(title)[1]
            ?.split("\n")[1]
            ?.match(/[0-9a-f]{8,}/g) ?? []
        )
          .map((id) => id.slice(0, 8))
          .sort();
      const ours = (ids: readonly string[]): string[] => ids.map((id) => id.slice(0, 8)).sort();
      assert.deepEqual(listed("repacked and removed the following packs:"), ours(plan.repack));
      assert.deepEqual(listed("removed the following no longer used packs:"), ours(plan.remove));
    });
  }
});
