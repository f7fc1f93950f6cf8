// Our backups under both programs' maintenance: restic forgets and prunes between our backups, we between restic's.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { archive } from "../../repo-format/archiver/archive.ts";
import { check } from "../../repo-format/maintenance/check.ts";
import { forget } from "../../repo-format/maintenance/forget.ts";
import { emptyPolicy } from "../../repo-format/maintenance/forget-policy.ts";
import { parseGroupBy } from "../../repo-format/repository/group-snapshots.ts";
import { withLock } from "../../repo-format/repository/lock.ts";
import type { Repository } from "../../repo-format/repository/repository.ts";
import { LocalDirectoryStorage } from "../../repo-format/storage/local-directory.ts";
import { createTestRepository, seededBytes, testPassword } from "../support/memory-repository.ts";
import { resticMust } from "../support/restic.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const lockTimings = { settleMs: 0 };

function changeSource(source: string, round: number): void {
  mkdirSync(join(source, "dir"), { recursive: true });
  writeFileSync(join(source, "dir", `random ${round % 3}`), seededBytes(round, 2_000_000));
  writeFileSync(join(source, "text"), `round ${round}\n`.repeat(50_000));
  for (let file = 0; file < 20; file++) writeFileSync(join(source, "dir", `small ${file}`), `${file % (round + 1)}`);
}

async function backUp(repo: Repository, source: string): Promise<void> {
  await withLock(repo, { exclusive: false, timings: lockTimings }, async (signal) => {
    await repo.refreshIndex(signal);
    const result = await archive(repo, {
      targets: [source],
      hostname: "h",
      threads: 1,
      programVersion: "test",
      signal,
    });
    assert.equal(result.warningCount, 0);
  });
}

for (const version of [1, 2] as const) {
  test(`backups of both programs to a version ${version} repository survive both programs' prune`, async (t) => {
    const folder = temporaryDirectory(t, "maintained");
    const source = join(folder, "source");
    const path = join(folder, "repository");
    const options = { repository: path, password: testPassword };
    const repo = await createTestRepository({ storage: new LocalDirectoryStorage(path, { create: true }), version });
    const assertSound = async (): Promise<void> => {
      const result = await check(repo, { readData: { kind: "all" }, lockTimings });
      assert.deepEqual(
        result.findings.filter(({ severity }) => severity !== "hint"),
        [],
      );
      assert.match((await resticMust(["check", "--read-data"], options)).stdout, /no errors were found/);
    };
    for (let round = 0; round < 4; round++) {
      changeSource(source, round);
      if (round % 2 === 0) await backUp(repo, source);
      else await resticMust(["backup", "--host", "h", source], options);
      await assertSound();
      if (round === 1) await resticMust(["forget", "--keep-last=1", "--prune", "--max-unused=0"], options);
      if (round !== 2) continue;
      const policy = { ...emptyPolicy, last: 1 };
      await forget(repo, { policy, groupBy: parseGroupBy(""), prune: { maxUnusedBytes: () => 0 }, lockTimings });
    }
    await assertSound();
    const { messages } = await resticMust(["snapshots", "--json"], options);
    assert.equal(messages.length, 2);
    await resticMust(["restore", "latest", "--target", join(folder, "restored"), "--verify"], options);
  });
}
