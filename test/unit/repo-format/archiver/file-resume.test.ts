import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { FileResume } from "../../../../repo-format/archiver/file-resume.ts";
import { type BlobId, idOf } from "../../../../repo-format/format/id.ts";
import { ResumeNote, readResumeNote } from "../../../../repo-format/notes/resume-note.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

const key = Buffer.from("0123456789abcdef");
const ids = ["a", "b", "c"].map((text) => [idOf<BlobId>(Buffer.from(text))]);
const end = (endOffset: number) => ({ endOffset, afterZeroChunk: false });

function noteIn(t: TestContext): string {
  return join(temporaryDirectory(t, "resume"), "resume.1");
}

test("ranges that end out of order are noted in the order of the file", async (t) => {
  const path = noteIn(t);
  const resume = new FileResume([], new ResumeNote(path, key, []));
  const first = Promise.withResolvers<BlobId[]>();
  resume.add(first.promise, end(1));
  resume.add(Promise.resolve(ids[1] as BlobId[]), end(2));
  await Promise.resolve();
  assert.deepEqual(readResumeNote(path, key), [], "the second range alone says nothing");
  first.resolve(ids[0] as BlobId[]);
  await resume.close();
  assert.deepEqual(
    readResumeNote(path, key).map(({ endOffset }) => endOffset),
    [1, 2],
  );
});

test("nothing is noted behind a range that has failed", async (t) => {
  const path = noteIn(t);
  const resume = new FileResume([], new ResumeNote(path, key, []));
  resume.add(Promise.resolve(ids[0] as BlobId[]), end(1));
  resume.add(Promise.reject(new Error("unreadable")), end(2));
  resume.add(Promise.resolve(ids[2] as BlobId[]), end(3));
  await resume.close();
  assert.deepEqual(
    readResumeNote(path, key).map(({ endOffset }) => endOffset),
    [1],
  );
});

test("reading goes on at the end of the last known range; at the beginning without one, and without a note", async () => {
  const known = [
    { content: ids[0] as BlobId[], ...end(10) },
    { content: ids[1] as BlobId[], endOffset: 20, afterZeroChunk: true },
  ];
  assert.deepEqual(new FileResume(known, undefined).start, { offset: 20, afterZeroChunk: true });
  const empty = new FileResume([], undefined);
  assert.deepEqual(empty.start, { offset: 0, afterZeroChunk: false });
  empty.add(Promise.resolve([]), end(5));
  await empty.close();
});
