// restic's damaged and odd repositories: our check and prune come to the outcomes that restic's own tests expect, and
// what our prune leaves is sound to restic.

import assert from "node:assert/strict";
import { test } from "node:test";
import { RepositoryError } from "../../repo-format/errors.ts";
import { type CheckResult, check } from "../../repo-format/maintenance/check.ts";
import { prune } from "../../repo-format/maintenance/prune.ts";
import { repairIndex } from "../../repo-format/maintenance/repair-index.ts";
import { repairSnapshots } from "../../repo-format/maintenance/repair-snapshots.ts";
import { openRepository, type Repository } from "../../repo-format/repository/repository.ts";
import { LocalDirectoryStorage } from "../../repo-format/storage/local-directory.ts";
import { storedKeys, testIdentity } from "../support/memory-repository.ts";
import { restic } from "../support/restic.ts";
import { fixturePassword, unpackFixture } from "../support/restic-fixtures.ts";

const lockTimings = { settleMs: 0 };

async function openFixture(path: string): Promise<Repository> {
  const storage = new LocalDirectoryStorage(path);
  return await openRepository({ storage, password: fixturePassword, identity: testIdentity });
}

const codesOf = (result: CheckResult): string[] => [...new Set(result.findings.map((finding) => finding.code))].sort();

/** Name → does check pass, does prune, and which findings tell what is wrong (restic: TestEdgeCaseRepos). */
const outcomes = [
  {
    name: "repo-index-missing",
    checkPasses: false,
    prunePasses: false,
    codes: ["blob-not-indexed", "pack-unreferenced"],
  },
  {
    name: "repo-index-missing-blob",
    checkPasses: false,
    prunePasses: false,
    codes: ["blob-not-indexed", "pack-unreferenced"],
  },
  { name: "repo-data-missing", checkPasses: false, prunePasses: false, codes: ["pack-missing"] },
  { name: "repo-unused-data-missing", checkPasses: false, prunePasses: true, codes: ["pack-missing", "pack-size"] },
  { name: "repo-unreferenced-data", checkPasses: true, prunePasses: true, codes: ["pack-unreferenced"] },
  { name: "repo-obsolete-index", checkPasses: true, prunePasses: true, codes: ["index-duplicate-pack"] },
  { name: "repo-mixed", checkPasses: true, prunePasses: true, codes: ["pack-mixed"] },
] as const;

for (const { name, checkPasses, prunePasses, codes } of outcomes) {
  test(`check of ${name} ${checkPasses ? "passes" : "fails"} and prune ${prunePasses ? "passes" : "refuses"}`, async (t) => {
    const path = unpackFixture(t, name);
    const repo = await openFixture(path);
    const before = await check(repo, { lockTimings });
    assert.equal(before.isSound, checkPasses);
    assert.deepEqual(codesOf(before), codes);
    const keysBefore = await storedKeys(repo.storage);
    if (!prunePasses) {
      await assert.rejects(prune(repo, { lockTimings }), (error) => RepositoryError.is(error));
      assert.deepEqual(await storedKeys(repo.storage), keysBefore, "nothing was deleted");
      return;
    }
    await prune(repo, { lockTimings });
    const after = await check(repo, { readData: { kind: "all" }, lockTimings });
    // Packs that stand in two index files stay so when nothing else needs a new index: a hint, to restic, too.
    assert.deepEqual(
      codesOf(after).filter((code) => code !== "index-duplicate-pack"),
      [],
    );
    const verdict = await restic(["check", "--read-data"], { repository: path, password: fixturePassword });
    assert.equal(verdict.code, 0, verdict.stderr + verdict.stdout);
    assert.match(verdict.stdout, /no errors were found/);
  });
}

test("check of repo-duplicates finds unused blobs, and prune removes them", async (t) => {
  const path = unpackFixture(t, "repo-duplicates");
  const repo = await openFixture(path);
  const options = { readData: { kind: "all" }, findUnused: true, lockTimings } as const;
  const before = await check(repo, options);
  assert.deepEqual(codesOf(before), ["blob-unused"]);
  await prune(repo, { maxUnusedBytes: () => 0, lockTimings });
  assert.deepEqual((await check(repo, options)).findings, []);
  const verdict = await restic(["check", "--read-data", "--check-unused"], {
    repository: path,
    password: fixturePassword,
  });
  assert.equal(verdict.code, 0, verdict.stderr + verdict.stdout);
});

test("old-index-repo is refused with an error that names its index file", async (t) => {
  const repo = await openFixture(unpackFixture(t, "old-index-repo"));
  const result = await check(repo, { lockTimings });
  assert.deepEqual(codesOf(result), ["index-unreadable"]);
});

for (const name of ["repo-index-missing", "repo-data-missing", "repo-unused-data-missing", "old-index-repo"]) {
  test(`repairs of the index and the snapshots make ${name} sound`, async (t) => {
    const path = unpackFixture(t, name);
    const repo = await openFixture(path);
    const changes = await repairIndex(repo, { lockTimings });
    assert.ok(Object.values(changes).some((count) => count > 0));
    await repairSnapshots(repo, { forget: true, lockTimings });
    const verdict = await restic(["check", "--read-data"], { repository: path, password: fixturePassword });
    assert.equal(verdict.code, 0, verdict.stderr + verdict.stdout);
  });
}
