// What plays the tutorial: it must not be content with anything but what the page shows.
import assert from "node:assert/strict";
import test from "node:test";
import { matches, playSteps, readSteps } from "../support/page-session.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const page = `# Page

\`\`\`
$ not played
\`\`\`

\`\`\`console
$ echo one \\
    two
one two
$ true
\`\`\`
and
\`\`\`console
$ printf 'a  b\\nc 12s\\nd\\n'
a b
…
d
\`\`\`
`;

test("commands and what they print are read from console blocks alone", () => {
  assert.deepEqual(readSteps(page), [
    { line: 8, command: "echo one \\\n    two", expected: ["one two"] },
    { line: 11, command: "true", expected: [] },
    { line: 15, command: "printf 'a  b\\nc 12s\\nd\\n'", expected: ["a b", "…", "d"] },
  ]);
  assert.throws(() => readSteps("```console\nwithout a command\n```"), /line 2/);
});

test("a page that is right is played to its end", async (t) => {
  const printed: string[] = [];
  const onStep = (_: string, text: string): void => void printed.push(text);
  await playSteps(readSteps(page), { cwd: temporaryDirectory(t, "page"), env: {}, onStep });
  assert.deepEqual(printed, ["one two", "", "a  b\nc 12s\nd"]);
});

test("other output, silence where something is shown, and a bad exit status are found", async (t) => {
  const options = { cwd: temporaryDirectory(t, "page"), env: {} };
  const play = (lines: string): Promise<void> => playSteps(readSteps(`\`\`\`console\n${lines}\n\`\`\``), options);
  await assert.rejects(
    play("$ echo two\none"),
    /line 2: echo two\nended with 0; the page shows\none\nprinted was\ntwo/,
  );
  await assert.rejects(play("$ true\none"), /the page shows\none/);
  await assert.rejects(play("$ echo one"), /printed was\none/);
  await assert.rejects(play("$ false"), /ended with 1/);
});

test("an ellipsis stands for text in a line or for lines, and for nothing else", () => {
  assert.ok(matches(["pod/…  created"], ["pod/web-1 created"]));
  assert.ok(!matches(["pod/…  created"], ["pod/web-1 configured"]));
  assert.ok(matches(["…"], []));
  assert.ok(matches(["…", "end"], ["a", "b", "end"]));
  assert.ok(!matches(["…", "end"], ["a", "end", "b"]));
  assert.ok(!matches(["a.c"], ["abc"]));
});
