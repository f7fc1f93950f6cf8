import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { SnapshotId } from "../../repo-format/format/id.ts";
import { openRepository, type Repository } from "../../repo-format/repository/repository.ts";
import { restore } from "../../repo-format/restorer/restore.ts";
import type { RestoreResult } from "../../repo-format/restorer/restore-options.ts";
import { LocalDirectoryStorage } from "../../repo-format/storage/local-directory.ts";
import { changeTree } from "../support/change-tree.ts";
import { compareTrees } from "../support/compare-trees.ts";
import { testIdentity } from "../support/memory-repository.ts";
import { writeRandomTree } from "../support/random-tree.ts";
import { resticMust } from "../support/restic.ts";
import { makeTemporaryDirectory, removeDirectory } from "../support/temporary-directory.ts";

const seeds = [1, 2, 3, 4, 5, 6];
const isRoot = process.geteuid?.() === 0;
// restic runs without root's rights too, but then neither program can set owners.
const comparison = { owners: isRoot };

describe("what restic has saved is restored as restic restores it and as it was", () => {
  const root = makeTemporaryDirectory("restorer-restic");
  const repository = join(root, "repository");
  let repo: Repository;

  const path = (name: string): string => join(root, name);
  const backup = async (source: string): Promise<SnapshotId> => {
    const { messages } = await resticMust(["backup", "--json", "."], { repository, cwd: source });
    const summary = messages.find((message) => message.message_type === "summary");
    await repo.refreshIndex();
    return summary?.snapshot_id as SnapshotId;
  };
  const ours = (snapshotId: SnapshotId, target: string, options = {}): Promise<RestoreResult> =>
    restore(repo, { snapshotId, target, restoreDevices: true, ...options });

  before(async () => {
    await resticMust(["init"], { repository });
    repo = await openRepository({
      storage: new LocalDirectoryStorage(repository),
      password: "password",
      identity: testIdentity,
    });
  });
  after(async () => {
    await repo.close();
    removeDirectory(root);
  });

  for (const seed of seeds) {
    test(`the random tree ${seed}, at first into nothing, then over a changed copy`, async () => {
      const [source, mine, theirs] = [path(`source-${seed}`), path(`ours-${seed}`), path(`restics-${seed}`)];
      mkdirSync(source);
      writeRandomTree(source, { seed: `restorer ${seed}`, entries: 150, devices: true });
      const snapshot = await backup(source);
      await resticMust(["restore", snapshot, "--target", theirs], { repository });

      const result = await ours(snapshot, mine, { verify: true, sparse: seed % 2 === 0 });
      assert.deepEqual(result.failure, undefined);
      assert.deepEqual(compareTrees(source, mine, { ...comparison, root: false, holes: seed % 2 === 0 }), []);
      assert.deepEqual(compareTrees(theirs, mine, { ...comparison, root: false }), []);
      assert.equal(result.bytesRestored, result.totalBytes);

      changeTree(mine, seed, 40);
      const again = await ours(snapshot, mine, { delete: true, verify: true });
      assert.deepEqual(again.failure, undefined);
      assert.deepEqual(compareTrees(source, mine, { ...comparison, root: false }), []);
      assert.ok(again.filesSkipped > 0);
    });
  }

  test("a subfolder and patterns select what restic's own restore selects", async () => {
    const source = path("source-patterns");
    mkdirSync(source);
    writeRandomTree(source, { seed: "patterns", entries: 120, anyBytesInNames: false, largestFileBytes: 2000 });
    const snapshot = await backup(source);
    const choices = [
      { flags: ["--include", "file*"], options: { includes: ["file*"] } },
      { flags: ["--include", "/*/*/data*", "--include", "x.log*"], options: { includes: ["/*/*/data*", "x.log*"] } },
      { flags: ["--exclude", "*a*", "--exclude", "!data*"], options: { excludes: ["*a*", "!data*"] } },
      { flags: ["--iinclude", "FILE[1-5]*"], options: { insensitiveIncludes: ["FILE[1-5]*"] } },
      { flags: ["--iexclude", "/**/Z*"], options: { insensitiveExcludes: ["/**/Z*"] } },
    ];
    for (const [number, { flags, options }] of choices.entries()) {
      const [mine, theirs] = [path(`patterns-ours-${number}`), path(`patterns-restics-${number}`)];
      await resticMust(["restore", snapshot, "--target", theirs, ...flags], { repository });
      const result = await ours(snapshot, mine, options);
      assert.deepEqual(result.failure, undefined);
      assert.deepEqual(compareTrees(theirs, mine, { ...comparison, root: false }), [], flags.join(" "));
    }
  });
});
