import assert from "node:assert/strict";
import { test } from "node:test";
import { compileGlob, matchGlob } from "../../repo-format/file-tree/glob.ts";
import { runGoProgram } from "../support/go-program.ts";
import { seededRandom } from "../support/seeded-random.ts";

const program = `package main
import ("bufio"; "encoding/hex"; "fmt"; "os"; "path/filepath"; "strings")
func bytes(text string) string { b, _ := hex.DecodeString(text); return string(b) }
func main() {
  lines := bufio.NewScanner(os.Stdin)
  for lines.Scan() {
    fields := strings.Split(lines.Text(), " ")
    ok, err := filepath.Match(bytes(fields[0]), bytes(fields[1]))
    if err != nil { fmt.Println("malformed") } else { fmt.Println(ok) }
  }
}`;

const patternPieces = [
  "a",
  "b",
  "é",
  "€",
  "*",
  "?",
  "[a-c]",
  "[^b]",
  "[à-ü]",
  "\\*",
  "\\a",
  "[\\]]",
  "[",
  "]",
  "-",
  "\\",
];
const namePieces = ["a", "b", "c", "d", "é", "ü", "€", "*", "]", "-", "\\"];
/** Neither is UTF-8. */
const strayBytes = [Buffer.of(0xff), Buffer.of(0xe2, 0x82)];

test("components match as Go's filepath.Match says, characters and stray bytes alike", () => {
  const random = seededRandom("glob");
  const textOf = (pieces: readonly string[]): Buffer => {
    const parts = Array.from({ length: random.integer(1, 5) }, () =>
      random.chance(0.05) ? random.pick(strayBytes) : Buffer.from(random.pick(pieces)),
    );
    return Buffer.concat(parts);
  };
  const cases = Array.from({ length: 20_000 }, () => [textOf(patternPieces), textOf(namePieces)] as const);
  const input = cases.map(([pattern, name]) => `${pattern.toString("hex")} ${name.toString("hex")}`).join("\n");
  const answers = runGoProgram(program, input).trimEnd().split("\n");
  assert.equal(answers.length, cases.length);
  let matched = 0;
  for (const [index, [pattern, name]] of cases.entries()) {
    const glob = compileGlob(pattern.toString("latin1"));
    // Go sees a malformed end only where it gets so far; here the whole pattern is checked before anything is matched.
    if (glob === undefined) continue;
    const answer = matchGlob(glob, name.toString("latin1"));
    if (answer) matched++;
    assert.equal(String(answer), answers[index], `${pattern} against ${name}`);
  }
  assert.ok(matched > 500, `${matched} matches`);
});
