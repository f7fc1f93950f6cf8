// A shape that would not fit is refused before anything is written.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Corpus } from "../../../../bench/against-peers/corpora.ts";
import { requireRoom } from "../../../../bench/against-peers/disk-space.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

function corpusOf(bytes: number, entries: number): Corpus {
  const write = (): never => assert.fail("nothing is written");
  return { name: "vast", expected: () => ({ bytes, entries }), write };
}

test("too few bytes or inodes are told with what is needed and what there is", (context) => {
  const options = { scale: 1, onCopy: false, folder: temporaryDirectory(context) };
  const ask = (corpus: Corpus) => (): string => requireRoom({ ...options, corpus });
  assert.throws(ask(corpusOf(2 ** 60, 1)), /vast takes \d+\.0 GiB in .*, which has .* GiB left; set TMPDIR/);
  assert.throws(ask(corpusOf(1, 2 ** 40)), /vast takes 2199023\d+ inodes in .*, which has \d+ left/);
});
