import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, statSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { FileStat } from "../../../../repo-format/file-tree/file-stat.ts";
import { type BlobId, idOf } from "../../../../repo-format/format/id.ts";
import { LocalNotes, type LocalNotesOptions } from "../../../../repo-format/notes/local-notes.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

const content = [idOf<BlobId>(Buffer.from("content"))];
const hourMs = 3_600_000;

interface Place {
  readonly directory: string;
  readonly file: string;
  readonly stat: FileStat;
  readonly warnings: string[];
  open(more?: Partial<LocalNotesOptions>): Promise<LocalNotes | undefined>;
}

function placeIn(t: TestContext): Place {
  const folder = temporaryDirectory(t, "notes");
  const directory = join(folder, "deep", "notes");
  const file = join(folder, "file");
  writeFileSync(file, "content");
  const warnings: string[] = [];
  return {
    ...{ directory, file, warnings },
    stat: statSync(file, { bigint: true }),
    open: (more = {}) =>
      LocalNotes.open({
        ...{ directory, repositoryId: "r1", clock: Date.now, onWarning: (message) => void warnings.push(message) },
        ...more,
      }),
  };
}

async function leaveRestored(notes: LocalNotes, { stat, directory }: Place): Promise<void> {
  const writer = notes.beginRestored({ snapshotId: undefined, target: directory }, 1);
  assert.ok(writer !== undefined);
  writer.add(stat, content);
  await notes.finishRestored(writer);
}

test("notes of restores are found by a later run, the newest first", async (t) => {
  const place = placeIn(t);
  for (const nowMs of [2, 3, 1]) await leaveRestored((await place.open({ clock: () => nowMs })) as LocalNotes, place);
  const opened = (await place.open())?.openRestored() ?? [];
  assert.deepEqual(
    opened.map(({ header }) => header.madeAtMs),
    [3, 2, 1],
  );
  assert.ok(opened.every((files) => files.has(place.stat, content)));
  for (const files of opened) files.close();
  assert.deepEqual(place.warnings, []);
});

test("what is old, abandoned or too much goes; foreign files stay", async (t) => {
  const place = placeIn(t);
  await place.open();
  const folder = join(place.directory, "r1");
  const age = (name: string, ageMs: number): void => {
    writeFileSync(join(folder, name), "x");
    utimesSync(join(folder, name), (Date.now() - ageMs) / 1000, (Date.now() - ageMs) / 1000);
  };
  age("restored.1", 15 * 24 * hourMs);
  age("resume.2", 13 * 24 * hourMs);
  age("restored.3-part", 2 * hourMs);
  age("resume.4-part", hourMs / 2);
  age("letter", 100 * 24 * hourMs);
  mkdirSync(join(place.directory, "r2"));
  await place.open({ repositoryId: "r2" });
  assert.deepEqual(readdirSync(folder).sort(), ["letter", "resume.2", "resume.4-part"]);
});

test("of two notes on one file the next run reads the ranges that the last has written", async (t) => {
  const place = placeIn(t);
  const later = (): number => Date.now() + hourMs;
  const notes = (await place.open({ clock: later, minResumeBytes: 1 })) as LocalNotes;
  assert.deepEqual(notes.resumable(place.stat), []);
  const range = { content, endOffset: 7, afterZeroChunk: false };
  const begun = notes.beginResume(place.stat, []);
  begun?.note.add(range);
  begun?.note.close();
  assert.deepEqual(notes.resumable(place.stat), [range]);
  truncateSync(place.file, 3);
  assert.deepEqual(notes.resumable(statSync(place.file, { bigint: true })), []);
  notes.remove(begun?.path ?? "");
  assert.deepEqual(notes.resumable(place.stat), []);
});

test("small files and those that were changed a moment ago are not worth a note", async (t) => {
  const { open, stat } = placeIn(t);
  const changedMs = Number(stat.ctimeNs / 1_000_000n);
  const worth = async (bytes: number, afterMs: number): Promise<boolean | undefined> =>
    (await open({ minResumeBytes: bytes, clock: () => changedMs + afterMs }))?.isWorthResuming(stat);
  assert.equal(await worth(7, 3000), true);
  assert.equal(await worth(8, 3000), false);
  assert.equal(await worth(7, 1000), false);
});

test("where nothing can be kept, that is said and no error", async (t) => {
  const { directory, warnings, open, file } = placeIn(t);
  assert.equal(await open({ directory: join(file, "below a file") }), undefined);
  assert.match(warnings[0] ?? "", /no notes for later runs can be kept/);
  assert.ok(!existsSync(directory));
});
