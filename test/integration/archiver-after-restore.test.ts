// A restore, and a backup right behind it: what the restore wrote is not read again, and no change after it is missed.
import assert from "node:assert/strict";
import {
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { SnapshotId } from "../../repo-format/format/id.ts";
import { LocalNotes, type LocalNotesOptions } from "../../repo-format/notes/local-notes.ts";
import type { RestoreOptions } from "../../repo-format/restorer/restore-options.ts";
import { InMemoryStorage } from "../../repo-format/storage/in-memory.ts";
import { type ArchiveFixture, archiveFixture } from "../support/archive-fixture.ts";
import { compareTrees } from "../support/compare-trees.ts";
import { seededBytes } from "../support/memory-repository.ts";
import { bytesReadBy } from "../support/read-bytes.ts";
import { restoreInThread } from "../support/restorer-fixture.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

interface Restored extends ArchiveFixture {
  readonly first: SnapshotId;
  readonly notesDirectory: string;
  readonly warnings: string[];
  notes(options?: Partial<LocalNotesOptions>): Promise<LocalNotes>;
  /** The source is lost, and put back where it was. */
  loseAndRestore(options?: Partial<RestoreOptions>): Promise<void>;
}

const files = 120;
const fileBytes = 20_000;
/** Read in ranges. */
const largeBytes = 9_000_000;
/** Of all files, in seconds: one that a program can set again exactly. */
const writtenAt = 1_600_000_000;

/** A backup of many small files and one in ranges. */
async function backedUp(t: TestContext): Promise<Restored> {
  const fixture = await archiveFixture(t, { storage: new InMemoryStorage() });
  const { source, repo } = fixture;
  for (let file = 0; file < files; file++) {
    const directory = join(source, `directory ${file % 7}`);
    mkdirSync(directory, { recursive: true });
    write(join(directory, `file ${file}`), seededBytes(file, fileBytes));
  }
  write(join(source, "large"), seededBytes("large", largeBytes));
  const first = (await fixture.backUp()).snapshotId as SnapshotId;
  const notesDirectory = join(temporaryDirectory(t, "notes"), "notes");
  const warnings: string[] = [];
  const notes: Restored["notes"] = async (options = {}) => {
    const onWarning = (message: string): void => void warnings.push(message);
    const given = { directory: notesDirectory, repositoryId: repo.id, clock: Date.now, onWarning, ...options };
    return (await LocalNotes.open(given)) as LocalNotes;
  };
  return {
    ...fixture,
    backUp: (more = {}) => fixture.backUp({ threads: 1, ...more }),
    first,
    notesDirectory,
    warnings,
    notes,
    async loseAndRestore(options = {}) {
      rmSync(source, { recursive: true });
      const wish = { snapshotId: first, target: source, notes: "notes" in options ? undefined : await notes() };
      assert.equal((await restoreInThread(repo, { ...wish, ...options })).failure, undefined);
    },
  };
}

function write(path: string, bytes: Buffer): void {
  writeFileSync(path, bytes);
  utimesSync(path, writtenAt, writtenAt);
}

function noteFiles({ notesDirectory, repo }: Restored): string[] {
  return readdirSync(join(notesDirectory, repo.id)).map((name) => join(notesDirectory, repo.id, name));
}

test("a backup after a restore reads less than a hundredth of the bytes, and the one after it needs no note", async (t) => {
  const fixture = await backedUp(t);
  const total = files * fileBytes + largeBytes;
  await fixture.loseAndRestore();
  assert.equal(noteFiles(fixture).length, 1);
  const { backUp, notes } = fixture;
  const read = await bytesReadBy(async () => {
    const result = await backUp({ notes: await notes() });
    assert.equal(result.summary.filesUnmodified, files + 1);
    assert.equal(result.summary.dataBlobs, 0);
  });
  assert.deepEqual(noteFiles(fixture), [], "the note has served its purpose");
  // A thread's own program is read, too.
  const usual = await bytesReadBy(async () => {
    assert.equal((await backUp({ notes: await notes() })).summary.filesUnmodified, files + 1);
  });
  assert.ok(read - usual < total / 100, `${read - usual} of ${total} bytes were read`);
});

test("without notes everything is read again", async (t) => {
  const fixture = await backedUp(t);
  await fixture.loseAndRestore({ notes: undefined });
  const result = await fixture.backUp({ notes: await fixture.notes() });
  assert.equal(result.summary.filesUnmodified, 0);
});

test("none of 100 changes after the restore is missed, and the rest is not read", async (t) => {
  const fixture = await backedUp(t);
  await fixture.loseAndRestore();
  const { source, backUp, notes, repo } = fixture;
  const paths = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((path) => /file \d+$/.test(path));
  assert.equal(paths.length, files);
  // At once, and with the size and the modification time as they were: only the change time tells.
  for (const [index, path] of paths.slice(0, 100).entries()) change(join(source, path), index);
  const result = await backUp({ notes: await notes() });
  assert.equal(result.summary.filesUnmodified, files + 1 - 100);
  const copy = join(temporaryDirectory(t, "copy"), "target");
  const wish = { snapshotId: result.snapshotId as SnapshotId, target: copy };
  assert.equal((await restoreInThread(repo, wish)).failure, undefined);
  assert.deepEqual(compareTrees(source, copy, { root: false }), []);
});

/** Content changes and nothing else that `ls -l` shows. */
function change(path: string, how: number): void {
  const bytes = readFileSync(path);
  bytes[how] = (bytes[how] as number) ^ 1;
  if (how % 3 === 0) {
    writeFileSync(`${path}.new`, bytes);
    renameSync(`${path}.new`, path);
  } else if (how % 3 === 1) {
    truncateSync(path, 0);
    writeFileSync(path, bytes);
  } else {
    const fd = openSync(path, "r+");
    writeSync(fd, bytes, how, 1, how);
    closeSync(fd);
  }
  utimesSync(path, writtenAt, writtenAt);
  assert.equal(statSync(path).size, fileBytes);
}

test("a file that another program changes between the restore's writing and its metadata is not told of", async (t) => {
  const fixture = await backedUp(t);
  let hasChanged = false;
  await fixture.loseAndRestore({
    onProgress: ({ phase }) => {
      if (phase !== "metadata" || hasChanged) return;
      hasChanged = true;
      // The last directory's metadata are set; those of the root come at the end.
      const fd = openSync(join(fixture.source, "large"), "r+");
      writeSync(fd, "other bytes", 5_000_000);
      closeSync(fd);
    },
  });
  assert.ok(hasChanged);
  const result = await fixture.backUp({ notes: await fixture.notes() });
  assert.equal(result.summary.filesUnmodified, files);
  assert.ok(result.summary.dataBlobs > 0);
});

test("a file that existed is told of when its bytes were compared, and not when they were put right", async (t) => {
  const fixture = await backedUp(t);
  const { source, repo, first, notes, backUp } = fixture;
  const [wrong] = readdirSync(join(source, "directory 0"));
  writeFileSync(join(source, "directory 0", wrong as string), "wrong");
  const wish = { snapshotId: first, target: source, notes: await notes() };
  await restoreInThread(repo, wish);
  assert.equal((await backUp({ notes: await notes() })).summary.filesUnmodified, files);
});

test("files that were kept for their size and time alone are read", async (t) => {
  const fixture = await backedUp(t);
  const { source, repo, first, notes, backUp } = fixture;
  const path = join(source, "directory 0", readdirSync(join(source, "directory 0"))[0] as string);
  change(path, 1);
  await restoreInThread(repo, {
    ...{ snapshotId: first, target: source, notes: await notes() },
    overwrite: "if-changed",
  });
  const result = await backUp({ notes: await notes() });
  assert.equal(result.summary.filesUnmodified, 0);
  assert.ok(result.summary.dataBlobs > 0, "the change was saved");
});

test("a file with two names is read: the second name gives it another change time", async (t) => {
  const fixture = await backedUp(t);
  const { source, backUp, notes } = fixture;
  linkSync(join(source, "large"), join(source, "directory 0", "another name"));
  const linked = (await backUp()).snapshotId as SnapshotId;
  await fixture.loseAndRestore({ snapshotId: linked });
  assert.equal((await backUp({ notes: await notes() })).summary.filesUnmodified, files);
});

test("a volume that was put back to an older snapshot is compared with that one, not with the latest", async (t) => {
  const fixture = await backedUp(t);
  const { source, backUp, notes, first } = fixture;
  writeFileSync(join(source, "large"), seededBytes("later", largeBytes));
  await backUp();
  await fixture.loseAndRestore();
  const result = await backUp({ notes: await notes() });
  assert.equal(result.parentId, first);
  assert.equal(result.summary.filesUnmodified, files + 1);
});

test("a backup that was made since the restore is the better parent", async (t) => {
  const fixture = await backedUp(t);
  const { backUp, notes } = fixture;
  await fixture.loseAndRestore();
  const elsewhere = await backUp({ time: "2100-01-01T00:00:00Z" });
  const result = await backUp({ notes: await notes(), time: "2100-01-02T00:00:00Z" });
  assert.equal(result.parentId, elsewhere.snapshotId);
});

test("a damaged note, one of another repository and one that was cut off cost reading and nothing else", async (t) => {
  const fixture = await backedUp(t);
  const { backUp, notes, warnings } = fixture;
  await fixture.loseAndRestore();
  const [path] = noteFiles(fixture) as [string];
  const whole = readFileSync(path);

  writeFileSync(path, Buffer.concat([Buffer.from("x"), whole.subarray(1)]));
  assert.equal((await backUp({ notes: await notes(), dryRun: true })).summary.filesUnmodified, 0);
  assert.match(warnings.join("\n"), /damaged and was passed over/);
  assert.deepEqual(noteFiles(fixture), []);

  writeFileSync(path, whole.subarray(0, 8192));
  const few = await backUp({ notes: await notes(), dryRun: true });
  assert.equal(few.summary.filesUnmodified, 0);

  writeFileSync(
    path,
    whole.map((byte, index) => (index < 8192 ? byte : byte ^ 0xff)),
  );
  assert.equal((await backUp({ notes: await notes(), dryRun: true })).summary.filesUnmodified, 0);

  writeFileSync(path, whole);
  const foreign = await notes({ repositoryId: "0".repeat(64) });
  renameSync(path, join(fixture.notesDirectory, "0".repeat(64), "restored.0123456789abcdef"));
  assert.equal((await backUp({ notes: foreign, dryRun: true })).summary.filesUnmodified, 0);

  writeFileSync(path, whole);
  assert.equal((await backUp({ notes: await notes(), dryRun: true })).summary.filesUnmodified, files + 1);
});

test("a restore that cannot write its note, or only shows what it would do, leaves none", async (t) => {
  const fixture = await backedUp(t);
  const { repo, first, notes, notesDirectory, warnings, source } = fixture;
  const given = await notes();
  await restoreInThread(repo, { snapshotId: first, target: source, dryRun: true, notes: given });
  assert.deepEqual(noteFiles(fixture), []);
  rmSync(notesDirectory, { recursive: true });
  await fixture.loseAndRestore({ notes: given });
  assert.match(warnings.join("\n"), /could not be begun/);
});
