import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Command } from "commander";
import { plainWords } from "../../../../src/cli/plain-words.ts";

function program(): Command {
  const root = new Command("root").option("--json").option("-v, --verbose").option("--no-lock");
  root.command("one").option("-n, --dry-run").option("--set <tags>").option("--mixed");
  root.command("two").option("-l, --last <n>").option("--mixed <value>");
  return root;
}

describe("plainWords", () => {
  it("turns --switch=true into the switch and drops --switch=false", () => {
    const words = ["one", "--json=true", "--dry-run=false", "--no-lock=1"];
    assert.deepEqual(plainWords(words, program()), ["one", "--json", "--no-lock"]);
  });

  it("leaves alone what takes a value somewhere, and what nobody knows", () => {
    const words = ["--set=true", "--mixed=true", "--other=true", "--json=maybe"];
    assert.deepEqual(plainWords(words, program()), words);
  });

  it("spreads levels of --verbose and splits -l=5", () => {
    assert.deepEqual(plainWords(["--verbose=2", "-v=0", "-l=5"], program()), ["--verbose", "--verbose", "-l", "5"]);
  });

  it("makes a flag for true or false that stands alone true, and keeps the value that is joined to it", () => {
    const root = new Command("root").option("--choose <true|false>");
    assert.deepEqual(plainWords(["--choose", "name"], root), ["--choose=true", "name"]);
    assert.deepEqual(plainWords(["--choose=false", "name"], root), ["--choose=false", "name"]);
    assert.deepEqual(plainWords(["--choose", "false", "true"], root), ["--choose=false", "true"]);
  });

  it("touches nothing behind --", () => {
    assert.deepEqual(plainWords(["--", "--json=true", "-l=5"], program()), ["--", "--json=true", "-l=5"]);
  });
});
