// What restic and we make of the same damaged repositories: the same exit code, the same blobs and snapshots afterwards,
// and a repository that restic finds sound.
import assert from "node:assert/strict";
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { findSnapshots, ls, openRepository, openStorage, type Repository } from "../../repo-format/index.ts";
import { type Answer, BothPrograms } from "../support/both-programs.ts";
import { collect, testIdentity } from "../support/memory-repository.ts";
import { restic } from "../support/restic.ts";
import { stowage } from "../support/stowage-cli.ts";
import { makeTemporaryDirectory, removeDirectory } from "../support/temporary-directory.ts";

let base: BothPrograms;
let damageCount = 0;

before(async () => {
  base = await BothPrograms.create(makeTemporaryDirectory("repair"));
});
after(() => removeDirectory(base.folder));

/** A copy of the repository that `damage` has changed, for both programs. */
async function damaged(damage: (repository: string) => void | Promise<void>): Promise<BothPrograms> {
  const both = new BothPrograms(join(base.folder, `damaged-${++damageCount}`));
  cpSync(base.repository, both.repository, { recursive: true });
  await damage(both.repository);
  return both;
}

function filesOf(repository: string, folder: string): string[] {
  const entries = readdirSync(join(repository, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

const packPath = (repository: string, id: string): string => join(repository, "data", id.slice(0, 2), id);

function rewrite(path: string, change: (bytes: Buffer) => Buffer): void {
  chmodSync(path, 0o600);
  writeFileSync(path, change(readFileSync(path)));
}

/** As this process reads it, with the index loaded: far cheaper than to ask restic. */
async function withOpened<T>(location: string, fn: (repo: Repository) => Promise<T>): Promise<T> {
  const storage = await openStorage(location);
  const repo = await openRepository({ storage, password: "password", identity: testIdentity });
  await repo.refreshIndex();
  return await fn(repo).finally(() => storage.close());
}

/** Every indexed blob with its place. */
const blobsOf = (location: string): Promise<string[]> =>
  withOpened(location, async ({ index }) =>
    [...index.packs()].flatMap(({ id, blobs }) => blobs.map((blob) => `${id} ${Object.values(blob).join(" ")}`)).sort(),
  );

/** What each snapshot says, and every entry of it: all but the ids that chance decides. */
const snapshotsOf = (location: string) =>
  withOpened(location, async (repo) => {
    const all = (await findSnapshots(repo)).map(async ({ snapshot: { original, ...rest } }) => ({
      ...rest,
      hasOriginal: original !== undefined,
      entries: await collect(ls(repo, rest.tree)),
    }));
    const found = await Promise.all(all);
    return found.sort((a, b) => (a.time + a.tags < b.time + b.tags ? -1 : 1));
  });

type Answers = readonly [theirs: Answer, ours: Answer];

/** Both ended with `code`, and what `look` sees in the two repositories is the same. */
async function assertSame(
  [theirs, ours]: Answers,
  code: number,
  ...looks: ((location: string) => Promise<unknown>)[]
): Promise<void> {
  assert.equal(theirs.code, code, `restic: ${theirs.stderr}`);
  assert.equal(ours.code, code, `ours: ${ours.stderr}${ours.stdout}`);
  for (const look of looks) assert.deepEqual(await look(ours.repository), await look(theirs.repository));
}

/** The answer of restic's check for our repository. */
async function assertCheck([, { repository }]: Answers, code: number): Promise<void> {
  const verdict = await restic(["check", "--read-data"], { repository });
  assert.equal(verdict.code, code, verdict.stdout + verdict.stderr);
}

describe("repair index", () => {
  async function assertHeals(both: BothPrograms, ...flags: string[]): Promise<void> {
    const answers = await both.run(["repair", "index", ...flags], { keep: true });
    await assertSame(answers, 0, blobsOf);
    assert.deepEqual(await blobsOf(answers[1].repository), await blobsOf(base.repository));
    await assertCheck(answers, 0);
  }

  it("changes nothing in a sound repository", () => assertHeals(base));

  it("has restic's old name, too", async () => {
    await assertSame(await base.run(["rebuild-index"], { keep: true }), 0, blobsOf);
  });

  it("replaces index files that cannot be read", async () => {
    const both = await damaged((repository) => {
      for (const path of filesOf(repository, "index")) rewrite(path, (bytes) => bytes.fill(1, 20, 40));
    });
    await assertHeals(both);
  });

  it("reads all packs where an index file is gone", async () => {
    const both = await damaged((repository) => rmSync(filesOf(repository, "index")[0] as string));
    await assertHeals(both, "--read-all-packs");
  });

  it("forgets a pack that is gone, leaves out one that was cut short, and indexes one that grew", async () => {
    const both = await damaged((repository) => {
      const [gone, short, long] = filesOf(repository, "data") as [string, string, string];
      rmSync(gone);
      rewrite(short, (bytes) => bytes.subarray(0, -7));
      rewrite(long, (bytes) => Buffer.concat([bytes.subarray(0, 40), bytes]));
    });
    const answers = await both.run(["repair", "index"], { keep: true });
    await assertSame(answers, 0, blobsOf);
    await assertCheck(answers, 1);
  });
});

describe("repair snapshots", () => {
  /** Loses the packs of the first day: its root, files and directories of all days. The index knows it. */
  async function withLosses(): Promise<Answers> {
    const both = await damaged((repository) =>
      withOpened(repository, async (repo) => {
        const [oldest] = await findSnapshots(repo);
        const packs = [...repo.index.packs()];
        const roots = packs.find(({ blobs }) => blobs.some(({ id }) => id === oldest?.snapshot.tree));
        const [files] = packs.filter(({ blobs }) => blobs[0]?.type === "data" && blobs.length > 1);
        for (const lost of [roots, files]) rmSync(packPath(repository, lost?.id ?? ""));
      }),
    );
    const indexed = await both.run(["repair", "index"], { keep: true });
    await assertSame(indexed, 0, blobsOf);
    return indexed;
  }

  it("leaves sound snapshots alone", async () => {
    const answers = await base.run(["repair", "snapshots", "--forget"], { keep: true });
    await assertSame(answers, 0, blobsOf, snapshotsOf);
  });

  it("makes the same snapshots of damaged ones, which go with --forget", async () => {
    const answers = await base.run(["repair", "snapshots", "--forget"], { on: await withLosses() });
    await assertSame(answers, 0, snapshotsOf);
    await assertCheck(answers, 0);
  });

  it("keeps the damaged ones without --forget, changes nothing with --dry-run, and takes ids and filters", async () => {
    const start = await withLosses();
    const before = readdirSync(join(start[1].repository, "snapshots"));
    const dry = await base.run(["repair", "snapshots", "--dry-run", "--forget"], { on: start });
    await assertSame(dry, 0);
    assert.deepEqual(readdirSync(join(start[1].repository, "snapshots")), before);
    await assertSame(await base.run(["repair", "snapshots", "ffffffff"], { on: dry }), 0);
    const one = await base.run(["repair", "snapshots", "--host", "two"], { on: dry });
    await assertSame(one, 0);
    for (const { repository } of one) {
      assert.equal(readdirSync(join(repository, "snapshots")).length, before.length + 1);
    }
  });
});

describe("repair packs", () => {
  /** The blobs without their places: packs are made anew. */
  const idsOf = async (location: string): Promise<string[]> =>
    withOpened(location, async ({ index }) => [...index.blobs()].map(({ type, id }) => `${type} ${id}`).sort());

  it("salvages the same blobs, keeps the same copies, and leaves a repository that can be repaired", async () => {
    let names: string[] = [];
    const both = await damaged((repository) =>
      withOpened(repository, async (repo) => {
        const [flipped, short] = [...repo.index.packs()].filter(({ blobs }) => blobs.length > 1);
        names = [flipped?.id ?? "", short?.id ?? ""];
        rewrite(packPath(repository, names[0] ?? ""), (bytes) => bytes.fill(1, 10, 20));
        rewrite(packPath(repository, names[1] ?? ""), (bytes) => bytes.subarray(0, bytes.length / 2));
      }),
    );
    const answers = await both.run(["repair", "packs", ...names], { keep: true, ownFolder: true });
    await assertSame(answers, 0, idsOf);
    for (const name of names) {
      const [theirs, ours] = answers.map(({ folder }) => readFileSync(join(folder, `pack-${name}`)));
      assert.deepEqual(ours, theirs);
      for (const { repository } of answers) assert.equal(existsSync(packPath(repository, name)), false);
    }
    const repaired = await both.run(["repair", "snapshots", "--forget"], { on: answers });
    await assertSame(repaired, 0, snapshotsOf);
    await assertCheck(repaired, 0);
  });

  it("refuses no ids, ids that are none, packs that are not there", async () => {
    await assertSame(await base.run(["repair", "packs"]), 1);
    await assertSame(await base.run(["repair", "packs", "abcd", "0".repeat(64)]), 1);
    await assertSame(await base.run(["repair", "packs", "0".repeat(64)], { ownFolder: true }), 1);
  });
});

describe("recover", () => {
  it("makes the same snapshot of what no snapshot leads to, but for the directory's mode, which restic forgets", async () => {
    const forgotten = await base.run(["forget", "latest"], { keep: true });
    const answers = await base.run(["recover"], { on: forgotten });
    await assertSame(answers, 0);
    const [theirs, ours] = await Promise.all(
      answers.map(async ({ repository }) => {
        const last = (await snapshotsOf(repository)).at(-1) as Awaited<ReturnType<typeof snapshotsOf>>[number];
        const { time: _, tree: __, programVersion: ___, entries, ...rest } = last;
        const withoutTimes = entries.map(({ path, node }) => {
          const isRoot = path.toString().length === 9;
          return { path: path.toString(), ...node, ...(isRoot ? { mode: 0, mtime: "", atime: "", ctime: "" } : {}) };
        });
        return { ...rest, entries: withoutTimes };
      }),
    );
    assert.deepEqual(ours, theirs);
    assert.deepEqual(ours?.tags, ["recovered"]);
    await assertCheck(answers, 0);
    await assertSame(await base.run(["recover"], { on: answers }), 0);
    for (const { repository } of answers) assert.equal(readdirSync(join(repository, "snapshots")).length, 3);
  });

  it("makes one snapshot of several roots, which restic finds sound", async () => {
    const [, forgotten] = await base.run(["forget", "--keep-last", "1", "--group-by", ""], { keep: true });
    const { code, stderr } = await stowage(["recover"], forgotten);
    assert.equal(code, 0, stderr);
    await assertCheck([forgotten, forgotten], 0);
  });
});
