import assert from "node:assert/strict";
import { test } from "node:test";
import { HardLinks } from "../../../../repo-format/archiver/hard-links.ts";
import type { FileStat } from "../../../../repo-format/file-tree/file-stat.ts";
import type { BlobId } from "../../../../repo-format/format/id.ts";

function stat(ino: bigint, fields: Partial<FileStat> = {}): FileStat {
  return { dev: 1n, ino, nlink: 3n, size: 5n, mtimeNs: 10n, ctimeNs: 20n, ...fields } as FileStat;
}

const content = { content: ["aa".repeat(32) as BlobId], sizeBytes: 5 };

test("the first name is read and serves the others, those that wait and those that come later", () => {
  const links = new HardLinks();
  const first = links.lookUp(stat(1n));
  assert.equal(first.isFirst, true);
  const second = links.lookUp(stat(1n));
  assert.equal(second.isFirst, false);
  const seen: unknown[] = [];
  second.file.whenSettled((got) => seen.push(got));
  assert.equal(seen.length, 0);
  first.file.settle(content);
  links.lookUp(stat(1n)).file.whenSettled((got) => seen.push(got));
  assert.deepEqual(seen, [content, content]);
});

test("when all names were seen the file is forgotten", () => {
  const links = new HardLinks();
  for (let name = 0; name < 3; name++) links.lookUp(stat(1n));
  assert.equal(links.lookUp(stat(1n)).isFirst, true);
});

test("a name that shows other times or another size is read anew", () => {
  const links = new HardLinks();
  links.lookUp(stat(1n));
  assert.equal(links.lookUp(stat(1n, { mtimeNs: 11n })).isFirst, true);
  assert.equal(links.lookUp(stat(1n, { dev: 2n, mtimeNs: 11n })).isFirst, true);
});

test("a first name that could not be read leaves the others to read for themselves", () => {
  const { file } = new HardLinks().lookUp(stat(1n));
  const answers: unknown[] = [];
  file.whenSettled((answer) => answers.push(answer));
  file.settle(undefined);
  assert.deepEqual(answers, [undefined]);
});
