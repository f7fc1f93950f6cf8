// The trees of the benchmarks: the same for the same seed, and as large as they say.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  type Contents,
  changeEvolvingTree,
  writeEvolvingTree,
  writeHugeFile,
  writeLargeFiles,
  writeMediumFiles,
  writeSmallFiles,
  writeWideTree,
} from "../../../bench/corpus.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const writers: Readonly<Record<string, (directory: string) => Contents>> = {
  large: (directory) => writeLargeFiles(directory, 1_000_000),
  small: (directory) => writeSmallFiles(directory, 250),
  medium: (directory) => writeMediumFiles(directory, 3),
  wide: (directory) => writeWideTree(directory, { directories: 90, files: 120, bytesPerFile: 100 }),
  evolving: (directory) => writeEvolvingTree(directory, 60),
};

/** Path → digest of each file, and the counts of all. */
function look(directory: string): {
  readonly files: Map<string, string>;
  readonly contents: Omit<Contents, "textBytes">;
} {
  const entries = readdirSync(directory, { recursive: true, encoding: "utf8" }).sort();
  const files = new Map<string, string>();
  const contents = { files: 0, directories: 0, bytes: 0 };
  for (const path of entries) {
    const stats = statSync(join(directory, path));
    if (stats.isDirectory()) contents.directories++;
    else {
      files.set(
        path,
        createHash("sha256")
          .update(readFileSync(join(directory, path)))
          .digest("hex"),
      );
      contents.files++;
      contents.bytes += stats.size;
    }
  }
  return { files, contents };
}

for (const [name, write] of Object.entries(writers)) {
  test(`${name}: two trees are the same, and hold what was said`, (context) => {
    const [one, other] = [temporaryDirectory(context), temporaryDirectory(context)];
    const { textBytes, ...said } = write(one);
    write(other);
    const seen = look(one);
    assert.deepEqual(seen.contents, said);
    assert.deepEqual(look(other).files, seen.files);
    assert.ok(textBytes <= said.bytes);
  });
}

test("half of the large files is text, as is half of the huge one in turns", (context) => {
  const directory = temporaryDirectory(context);
  assert.equal(writeLargeFiles(directory, 1_000_000).textBytes, 500_000);
  const mebibyte = 1024 * 1024;
  assert.equal(writeHugeFile(directory, 20 * mebibyte).textBytes, 4 * mebibyte);
});

test("a wide tree is eight times as wide on each level", (context) => {
  const directory = temporaryDirectory(context);
  writeWideTree(directory, { directories: 8 + 64 + 10, files: 0, bytesPerFile: 0 });
  const depths = readdirSync(directory, { recursive: true, encoding: "utf8" }).map((path) => path.split("/").length);
  const counts = [1, 2, 3].map((depth) => depths.filter((one) => one === depth).length);
  assert.deepEqual(counts, [8, 64, 10]);
});

test("an evolving tree changes by the fraction that was asked for, in the same way each time", (context) => {
  const [one, other] = [temporaryDirectory(context), temporaryDirectory(context)];
  for (const directory of [one, other]) writeEvolvingTree(directory, 400);
  const before = look(one).files;
  for (const directory of [one, other]) changeEvolvingTree(directory, 400, 0.5);
  const after = look(one).files;
  const same = [...after].filter(([path, digest]) => before.get(path) === digest).length;
  assert.ok(same > 160 && same < 240, `${same} of 400 files are as they were`);
  for (const directory of [one, other]) changeEvolvingTree(directory, 400, 0.9);
  assert.deepEqual(look(one).files, look(other).files);
});
