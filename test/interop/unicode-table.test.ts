// restic quotes file names with Go's strconv, whose table of printable characters follows a version of Unicode. Here Go
// says what its table is; repo-format/format/unicode-15.ts was made from the same output.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isPrintable } from "../../repo-format/format/unicode-15.ts";
import { runGoProgram } from "../support/go-program.ts";

/** Prints the version of Unicode, then the first code point of each run of printable and not printable ones. */
const program = `package main

import (
	"fmt"
	"strconv"
	"unicode"
)

func main() {
	fmt.Println(unicode.Version)
	printable := false
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if strconv.IsPrint(r) != printable {
			printable = !printable
			fmt.Println(r)
		}
	}
}
`;

test("the table of printable characters is Go's, code point by code point", (context) => {
  const [version, ...starts] = runGoProgram(program).trim().split("\n");
  if (version !== "15.0.0") {
    // A restic that was built with this Go quotes some names differently; released ones are built with 15.0.0.
    context.skip(`Go has Unicode ${version}; the table is for 15.0.0`);
    return;
  }
  const changes = new Set(starts.map(Number));
  let expected = false;
  for (let codePoint = 0; codePoint <= 0x10_ffff; codePoint++) {
    if (changes.has(codePoint)) expected = !expected;
    if (isPrintable(codePoint) !== expected) assert.fail(`U+${codePoint.toString(16)} should be ${expected}`);
  }
  assert.equal(changes.size, 1422);
});
