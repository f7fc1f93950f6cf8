// `copy` of both programs into repositories of their own: the same snapshots and blobs there, sound to restic.
import assert from "node:assert/strict";
import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Answer, BothPrograms } from "../support/both-programs.ts";
import { makeCheapRepository } from "../support/cheap-repository.ts";
import { compareTrees } from "../support/compare-trees.ts";
import { resticMust } from "../support/restic.ts";
import { fixturePassword, unpackFixture } from "../support/restic-fixtures.ts";
import { stowageMust } from "../support/stowage-cli.ts";
import { makeTemporaryDirectory, removeDirectory } from "../support/temporary-directory.ts";

const folder = makeTemporaryDirectory("cli-copy");
const passwordFile = join(folder, "password");
const locationFile = join(folder, "location");
let source: BothPrograms;
/** Each program copies into an empty repository of its own. */
let target: BothPrograms;

before(async () => {
  source = await BothPrograms.create(join(folder, "from"));
  target = new BothPrograms(join(folder, "to"));
  await makeCheapRepository(target.repository);
  writeFileSync(passwordFile, "password\n");
  writeFileSync(locationFile, `${source.repository}\n`);
});
after(() => removeDirectory(folder));

const fromFlags = (): string[] => ["--from-repo", source.repository, "--from-password-file", passwordFile];

/** What a repository holds, but for the ids of its snapshots. */
async function contents(repository: string): Promise<unknown> {
  const { stdout: blobs } = await resticMust(["list", "blobs"], { repository });
  const { messages } = await resticMust(["snapshots", "--json"], { repository });
  const withoutIds = messages.map(({ id: _, short_id: __, ...fields }) => fields);
  const snapshots = withoutIds.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  return { blobs: blobs.trim().split("\n").sort(), snapshots };
}

async function assertSound(repository: string): Promise<void> {
  await resticMust(["check", "--read-data"], { repository });
}

describe("copy", () => {
  it("brings the same snapshots and blobs as restic's, and what was copied once is not copied again", async () => {
    const first = await target.run(["copy", ...fromFlags()], { keep: true });
    for (const { code, stderr, repository } of first) {
      assert.equal(code, 0, stderr);
      await assertSound(repository);
    }
    const [theirs, ours] = first;
    const all = await contents(theirs.repository);
    assert.deepEqual(await contents(ours.repository), all);
    assert.equal((all as { snapshots: unknown[] }).snapshots.length, 3);
    // Each program finds what the other one has copied.
    for (const { code, stdout } of await target.run(["copy", ...fromFlags()], { on: [ours, theirs] })) {
      assert.equal(code, 0);
      assert.doesNotMatch(stdout, /saved/);
    }
    assert.deepEqual(await contents(theirs.repository), all);
    assert.deepEqual(await contents(ours.repository), all);
    // A tag that was changed makes another snapshot of it.
    for (const { repository } of first) await resticMust(["tag", "--add", "new", "latest"], { repository });
    const again = await target.run(["copy", ...fromFlags(), "latest"], { on: first });
    assert.deepEqual(await contents(again[1].repository), await contents(again[0].repository));
  });

  it("takes single snapshots, filters, and the source from variables", async () => {
    const env = { RESTIC_FROM_REPOSITORY_FILE: locationFile, RESTIC_FROM_PASSWORD_COMMAND: `cat ${passwordFile}` };
    const answers = await target.run(["copy", "--host", "one", "--tag", "t1"], { keep: true, env });
    const [theirs, ours] = answers;
    assert.equal(ours.code, 0, ours.stderr);
    const copied = await contents(ours.repository);
    assert.deepEqual(copied, await contents(theirs.repository));
    assert.equal((copied as { snapshots: unknown[] }).snapshots.length, 1);
  });

  it("ends with restic's codes", async () => {
    const cases: readonly (readonly [readonly string[], Readonly<Record<string, string>>, number])[] = [
      [[], {}, 1],
      [["--from-repo", source.repository], { RESTIC_FROM_PASSWORD: "wrong" }, 12],
      [["--from-repo", join(folder, "none")], { RESTIC_FROM_PASSWORD: "password" }, 10],
    ];
    for (const [words, env, code] of cases) {
      const answers = await target.run(["copy", ...words], { env });
      for (const answer of answers) assert.equal(answer.code, code, answer.stderr);
    }
  });

  it("goes between versions 1 and 2 and back, and the files stay the same", async () => {
    const places = [1, 2].map((version) => join(folder, `version-${version}`)) as [string, string];
    let from = source.repository;
    for (const [index, repository] of places.entries()) {
      await makeCheapRepository(repository, index === 0 ? 1 : 2);
      const env = { STOWAGE_FROM_REPOSITORY: from, STOWAGE_FROM_PASSWORD: "password", RESTIC_FROM_REPOSITORY: "/none" };
      const { messages } = await stowageMust(["copy", "--json"], { repository, env });
      assert.equal(messages.at(-1)?.copied_snapshots, 3);
      await assertSound(repository);
      from = repository;
    }
    const words = ["restore", `latest:${source.source}`, "--target", join(folder, "restored")];
    await resticMust(words, { repository: places[1] });
    assert.deepEqual(compareTrees(source.source, join(folder, "restored"), { root: false }), []);
    // The first ids stay known through all copies.
    const { messages } = await resticMust(["snapshots", "--json"], { repository: source.repository });
    const copies = await resticMust(["snapshots", "--json"], { repository: places[1] });
    const sorted = (ids: readonly unknown[]): unknown[] => [...ids].sort();
    assert.deepEqual(sorted(copies.messages.map(({ original }) => original)), sorted(messages.map(({ id }) => id)));
  });

  it("takes trees over as they are, even those that nobody would write so again", async (t) => {
    const fixture = unpackFixture(t, "copy-unstable-json");
    const repository = join(folder, "unstable");
    cpSync(target.repository, repository, { recursive: true });
    await stowageMust(["copy", "--from-repo", fixture], { repository, env: { RESTIC_FROM_PASSWORD: fixturePassword } });
    const trees = async (place: string, password: string): Promise<unknown> =>
      (await resticMust(["snapshots", "--json"], { repository: place, password })).messages.map(({ tree }) => tree);
    assert.deepEqual(await trees(repository, "password"), await trees(fixture, fixturePassword));
    await assertSound(repository);
  });
});

describe("init --copy-chunker-params", () => {
  const polynomial = async (repository: string): Promise<unknown> =>
    (JSON.parse((await resticMust(["cat", "config"], { repository })).stdout) as Record<string, unknown>)
      .chunker_polynomial;

  it("makes a repository in which restic cuts files as in the other one", async () => {
    const words = ["init", "--repo", "@/new", "--copy-chunker-params", ...fromFlags(), "--json"];
    const answers = await target.run(words, { keep: true });
    for (const { code, stderr, folder: place } of answers) {
      assert.equal(code, 0, stderr);
      assert.equal(await polynomial(join(place, "new")), await polynomial(source.repository));
    }
    const keys = ({ messages }: Answer): unknown => messages.map((message) => Object.keys(message));
    assert.deepEqual(keys(answers[1]), keys(answers[0]));
  });

  it("refuses one of the two flags without the other", async () => {
    for (const words of [fromFlags(), ["--copy-chunker-params"]]) {
      const answers = await target.run(["init", "--repo", "@/new", ...words]);
      for (const { code, stderr } of answers) assert.equal(code, 1, stderr);
    }
  });
});
