import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { type BlobId, idOf } from "../../../../repo-format/format/id.ts";
import { type NotedRange, ResumeNote, readResumeNote } from "../../../../repo-format/notes/resume-note.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

const key = Buffer.from("0123456789abcdef");
const ranges: NotedRange[] = [3, 0, 1].map((count, index) => ({
  content: Array.from({ length: count }, (_, blob) => idOf<BlobId>(Buffer.from(`${index} ${blob}`))),
  endOffset: (index + 1) * 2 ** 40,
  afterZeroChunk: index === 1,
}));

function noteIn(t: TestContext): string {
  return join(temporaryDirectory(t, "resume"), "resume.1");
}

test("ranges are read as they were written, after those that were known", (t) => {
  const path = noteIn(t);
  const note = new ResumeNote(path, key, ranges.slice(0, 2));
  note.add(ranges[2] as NotedRange);
  note.close();
  assert.deepEqual(readResumeNote(path, key), ranges);
  assert.deepEqual(readdirSync(dirname(path)), ["resume.1"]);
});

test("a later note takes the place of an earlier one, which may still be written to", (t) => {
  const path = noteIn(t);
  const early = new ResumeNote(path, key, ranges);
  const late = new ResumeNote(path, key, []);
  early.add(ranges[0] as NotedRange);
  early.close();
  late.close();
  assert.deepEqual(readResumeNote(path, key), []);
});

test("whatever byte is damaged or missing, only whole ranges before it are believed", (t) => {
  const path = noteIn(t);
  new ResumeNote(path, key, ranges).close();
  const whole = readFileSync(path);
  for (let at = 0; at < whole.length; at++) {
    for (const bytes of [whole.subarray(0, at), whole.map((byte, index) => (index === at ? byte ^ 0x40 : byte))]) {
      writeFileSync(path, bytes);
      const read = readResumeNote(path, key);
      assert.ok(read.length < ranges.length);
      assert.deepEqual(read, ranges.slice(0, read.length));
    }
  }
});

test("a note of another file, under this one's name, says nothing", (t) => {
  const path = noteIn(t);
  new ResumeNote(path, key, ranges).close();
  assert.deepEqual(readResumeNote(path, Buffer.from("another file")), []);
});
