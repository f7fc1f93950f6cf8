// Names, texts and times of random nodes, written by Go and by us: restic's trees are Go's JSON, so both must agree on
// every byte.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { escapeBytes, jsonString } from "../../repo-format/format/canonical-json.ts";
import { quoteNameText } from "../../repo-format/format/go-quote.ts";
import { formatTime } from "../../repo-format/format/time.ts";
import { runGoProgram } from "../support/go-program.ts";

/** Reads hex texts and prints both JSON forms; reads "seconds nanoseconds offset-minutes" and prints the time's JSON. */
const program = `package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"
)

func main() {
	fmt.Println(unicode.Version)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) == 3 {
			seconds, _ := strconv.ParseInt(fields[0], 10, 64)
			nanoseconds, _ := strconv.ParseInt(fields[1], 10, 64)
			minutes, _ := strconv.Atoi(fields[2])
			t := time.Unix(seconds, nanoseconds).In(time.FixedZone("", minutes*60))
			if t.Year() < 0 {
				t = t.AddDate(-t.Year(), 0, 0)
			} else if t.Year() > 9999 {
				t = t.AddDate(9999-t.Year(), 0, 0)
			}
			text, _ := json.Marshal(t)
			fmt.Println(string(text))
			continue
		}
		raw, _ := hex.DecodeString(strings.TrimPrefix(lines.Text(), "x"))
		quoted := strconv.Quote(string(raw))
		name, _ := json.Marshal(quoted[1 : len(quoted)-1])
		text, _ := json.Marshal(string(raw))
		fmt.Println(string(name) + "\\t" + string(text))
	}
}
`;

const raw = fc.oneof(
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  fc.string({ unit: "binary", maxLength: 20 }).map((text) => Buffer.from(text)),
  fc.string({ unit: "grapheme", maxLength: 20 }).map((text) => Buffer.from(text)),
  // Valid text with a byte taken out or put in.
  fc
    .tuple(fc.string({ unit: "binary", minLength: 1, maxLength: 10 }), fc.nat(20), fc.nat(255))
    .map(([text, at, byte]) => {
      const bytes = Buffer.from(text);
      bytes[at % bytes.length] = byte;
      return bytes;
    }),
);

/** Around year 0 and year 10,000, around now, and anywhere that Go can add a year to. */
const instant = fc.tuple(
  fc.oneof(
    fc.integer({ min: -62_200_000_000, max: -62_130_000_000 }),
    fc.integer({ min: 253_370_000_000, max: 253_500_000_000 }),
    fc.integer({ min: -(2 ** 33), max: 2 ** 33 }),
    fc.integer({ min: -(10 ** 12), max: 10 ** 13 }),
  ),
  fc.oneof(
    fc.constant(0),
    fc.nat(999_999_999),
    fc.nat(999).map((value) => value * 1_000_000),
  ),
  fc.oneof(fc.constant(0), fc.integer({ min: -900, max: 900 })),
);

test("names and texts come out as Go writes them", (context) => {
  const names = fc.sample(raw, 20_000);
  const [version, ...answers] = runGoProgram(program, names.map((name) => `x${name.toString("hex")}\n`).join("")).split(
    "\n",
  );
  if (version !== "15.0.0") {
    context.skip(`Go has Unicode ${version}, which prints other characters as they are`);
    return;
  }
  for (const [index, name] of names.entries()) {
    const ours = `${jsonString(quoteNameText(name))}\t"${escapeBytes(name)}"`;
    if (ours !== answers[index]) assert.equal(ours, answers[index], name.toString("hex"));
  }
});

test("times come out as Go writes them, whatever their year and zone", () => {
  const times = fc.sample(instant, 20_000);
  const [, ...answers] = runGoProgram(program, times.map((time) => `${time.join(" ")}\n`).join("")).split("\n");
  for (const [index, [seconds, nanoseconds, minutes]] of times.entries()) {
    const ours = `"${formatTime(BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds), minutes)}"`;
    if (ours !== answers[index]) assert.equal(ours, answers[index], `${seconds} ${nanoseconds} ${minutes}`);
  }
});
