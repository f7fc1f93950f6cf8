// The words that start our program come from the executable's own first line.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { startWords } from "../../../../bench/against-peers/our-program.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

function executable(context: TestContext, firstLine: string): string {
  const path = join(temporaryDirectory(context), "main.js");
  writeFileSync(path, `${firstLine}\n// code\n`);
  return path;
}

test("variables and flags of the first line are taken, and node is the one that runs", (context) => {
  const path = executable(context, "#!/usr/bin/env -S A=1 B_=2 node --one --two=3");
  assert.deepEqual(startWords(path), ["env", "A=1", "B_=2", process.execPath, "--one", "--two=3", path]);
});

test("the first line of our own executable is understood", () => {
  const main = join(import.meta.dirname, "..", "..", "..", "..", "src", "main.ts");
  const words = startWords(main);
  assert.equal(words.at(-1), main);
  assert.ok(words.some((word) => word.startsWith("--max-semi-space-size=")));
});

test("an executable that does not say how it is started is refused", (context) => {
  assert.throws(() => startWords(executable(context, "#!/usr/bin/env node")), /which says nothing/);
});
