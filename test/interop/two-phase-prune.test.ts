// A two-phase prune beside the real restic: the mark is nothing to restic, both phases leave what restic finds sound, and
// whatever restic does between them costs nothing but another run.
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { openRepository, openStorage, recordOrigin } from "../../repo-format/index.ts";
import { makeCheapRepository } from "../support/cheap-repository.ts";
import { seededBytes, testIdentity } from "../support/memory-repository.ts";
import { restic, resticMust } from "../support/restic.ts";
import { type StowageResult, stowage, stowageMust } from "../support/stowage-cli.ts";
import { makeTemporaryDirectory, removeDirectory } from "../support/temporary-directory.ts";

const folder = makeTemporaryDirectory("two-phase");
const source = join(folder, "source");
const base = join(folder, "base");
let copies = 0;

/** Each file is one chunk, for restic's chunker and for ours: the same blob in both. */
function writeFiles(numbers: readonly number[]): void {
  rmSync(source, { recursive: true, force: true });
  mkdirSync(source);
  for (const number of numbers) writeFileSync(join(source, `file-${number}`), seededBytes(number, 50_000 + number));
}

async function noteOrigin(repository: string): Promise<void> {
  const storage = await openStorage(repository);
  const repo = await openRepository({ storage, password: "password", identity: testIdentity });
  assert.equal(await recordOrigin(repo), true);
  await storage.close();
}

/** Two backups share a file; the first one is forgotten: one pack is needed in part, others are not. */
async function makeBase(): Promise<void> {
  await makeCheapRepository(base);
  await noteOrigin(base);
  const options = { repository: base, cwd: folder };
  writeFiles([1, 2, 3]);
  await stowageMust(["backup", "source"], options);
  writeFiles([3, 4]);
  await stowageMust(["backup", "source"], options);
  const { messages } = await stowageMust(["snapshots", "--json"], options);
  await resticMust(["forget", String(messages[0]?.id)], options);
}

interface Place {
  readonly repository: string;
  readonly cwd: string;
}

function copyOfBase(): Place {
  const repository = join(folder, `copy-${++copies}`);
  cpSync(base, repository, { recursive: true });
  return { repository, cwd: folder };
}

function filesBelow(place: Place, name: string): string[] {
  const at = join(place.repository, name);
  if (!existsSync(at)) return [];
  const entries = readdirSync(at, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

const marksOf = (place: Place): string[] => filesBelow(place, "stowage/pending-deletions");
const twoPhase = (place: Place, ...flags: string[]): Promise<StowageResult> =>
  stowageMust(["prune", "--two-phase", "--max-unused", "0", "--json", ...flags], place);
const typesOf = ({ messages }: StowageResult): unknown[] => messages.map((message) => message.message_type);

async function assertSound(place: Place, numbers: readonly number[]): Promise<void> {
  const { stdout } = await resticMust(["check", "--read-data"], place);
  assert.match(stdout, /no errors were found/);
  const target = join(folder, `restored-${++copies}`);
  await resticMust(["restore", "latest", "--target", target], place);
  const found = readdirSync(target, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const bytesOf = new Map(found.map((entry) => [entry.name, readFileSync(join(entry.parentPath, entry.name))]));
  assert.deepEqual(
    [...bytesOf.keys()].sort(),
    numbers.map((number) => `file-${number}`),
  );
  for (const number of numbers) {
    assert.ok(bytesOf.get(`file-${number}`)?.equals(seededBytes(number, 50_000 + number)));
  }
}

describe("two-phase prune and restic", () => {
  before(makeBase);
  after(() => removeDirectory(folder));

  it("both phases leave what restic finds sound, and the second deletes what the first has marked", async () => {
    const place = copyOfBase();
    const packs = filesBelow(place, "data");
    const first = await twoPhase(place);
    assert.deepEqual(typesOf(first), ["summary", "pending_deletion"]);
    const kept = new Set(filesBelow(place, "data"));
    assert.ok(
      packs.every((pack) => kept.has(pack)),
      "the first phase deleted a pack",
    );
    assert.equal(marksOf(place).length, 1);
    await assertSound(place, [3, 4]);
    for (const version of ["0.14.0", "0.17.3"] as const) await resticMust(["check"], { ...place, version });

    const dryRun = await stowageMust(["prune", "--dry-run"], place);
    assert.match(dryRun.stdout, /marked: +\d packs, .*; deleted by a run after \d{4}-\d\d-\d\d /);
    assert.deepEqual(typesOf(await twoPhase(place)), ["pending_deletion"], "it is not due");
    assert.deepEqual(new Set(filesBelow(place, "data")), kept);

    const second = await twoPhase(place, "--marked-for", "0s");
    assert.deepEqual(typesOf(second), ["marked_packs", "summary"]);
    assert.equal(second.messages[0]?.outcome, "deleted");
    assert.ok(filesBelow(place, "data").length < kept.size);
    assert.deepEqual(marksOf(place), []);
    await assertSound(place, [3, 4]);
    const { stdout } = await resticMust(["prune", "--dry-run", "--max-unused", "0"], place);
    assert.match(stdout, /to repack: +0 blobs[\s\S]*to delete: +0 blobs/, "restic still finds garbage");
  });

  it("a backup by restic between the phases: its blobs stay, and the next run takes the exclusive lock", async () => {
    const place = copyOfBase();
    await twoPhase(place);
    writeFiles([1, 2, 5]);
    const { messages } = await resticMust(["backup", "source", "--json"], place);
    const [summary] = messages.filter((message) => message.message_type === "summary");
    assert.equal(summary?.data_blobs, 1, "restic relies on blobs of marked packs");
    const next = await twoPhase(place, "--marked-for", "0s");
    assert.match(String(next.errors[0]?.reason), /snapshot [0-9a-f]{8} was made by restic/);
    assert.deepEqual(marksOf(place), []);
    await assertSound(place, [1, 2, 5]);
  });

  it("a prune by restic between the phases: the mark stays as it is, is found outdated, and nothing is lost", async () => {
    const place = copyOfBase();
    await twoPhase(place);
    const [mark] = marksOf(place);
    const bytes = readFileSync(join(place.repository, "stowage/pending-deletions", mark ?? ""));
    for (const kind of ["packs", "index", "snapshots", "locks", "keys"]) {
      const listed = (await resticMust(["list", kind], place)).stdout;
      assert.ok(!listed.includes(mark ?? "?"));
    }
    const pruned = await restic(["prune", "--max-unused", "0"], place);
    assert.deepEqual([pruned.code, pruned.stderr], [0, ""]);
    assert.ok(readFileSync(join(place.repository, "stowage/pending-deletions", mark ?? "")).equals(bytes));
    const next = await twoPhase(place, "--marked-for", "0s");
    assert.equal(next.messages[0]?.outcome, "outdated");
    await assertSound(place, [3, 4]);
  });

  it("a prune without the flag does all of the work, and the mark goes", async () => {
    const place = copyOfBase();
    await twoPhase(place);
    const misused = await stowage(["prune", "--marked-for", "1h"], place);
    assert.equal(misused.code, 1);
    assert.match(misused.stderr, /--marked-for goes with --two-phase/);
    await stowageMust(["prune", "--max-unused", "0"], place);
    assert.deepEqual(marksOf(place), []);
    await assertSound(place, [3, 4]);
  });
});
