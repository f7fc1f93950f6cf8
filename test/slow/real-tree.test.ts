// A real tree of at least 50,000 entries that nobody made for this test: backed up by the command line, found unchanged,
// restored identically, and judged by restic. `npm run test:slow real-tree`; STOWAGE_REAL_TREE names another directory.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { opendirSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { compareTrees } from "../support/compare-trees.ts";
import { runProcess } from "../support/processes.ts";
import { resticMust } from "../support/restic.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const program = join(import.meta.dirname, "..", "..", "src", "main.ts");
const wantedEntries = 50_000;
const password = "real tree";

function countEntries(folder: string): number {
  let count = 0;
  const directory = opendirSync(folder, { recursive: true });
  while (directory.readSync() !== null) count += 1;
  directory.closeSync();
  return count;
}

/** The Go module cache holds the sources of the real programs that the tests build, so it is always large enough. */
function chooseTree(): string {
  const named = process.env.STOWAGE_REAL_TREE;
  if (named !== undefined) return named;
  if (countEntries("/usr/share") >= wantedEntries) return "/usr/share";
  return execFileSync("go", ["env", "GOMODCACHE"], { encoding: "utf8" }).trim();
}

it("a real tree of 50,000 entries comes back the same, and restic finds nothing wrong", async (t) => {
  const tree = chooseTree();
  const entries = countEntries(tree);
  assert.ok(entries >= wantedEntries, `${tree} has only ${entries} entries`);
  const folder = temporaryDirectory(t, "real-tree");
  const repository = join(folder, "repository");
  const restored = join(folder, "restored");
  const stowage = async (...words: string[]): Promise<Record<string, unknown>> => {
    const result = await runProcess(process.execPath, {
      args: [program, "repo", ...words, "--json"],
      env: { RESTIC_REPOSITORY: repository, RESTIC_PASSWORD: password },
    });
    assert.equal(result.code, 0, `stowage repo ${words.join(" ")}: ${result.stderr}`);
    return JSON.parse(result.stdout.trim().split("\n").at(-1) ?? "{}") as Record<string, unknown>;
  };
  await stowage("init");
  const first = await stowage("backup", tree);
  const again = await stowage("backup", tree);
  assert.equal(again.files_unmodified, first.total_files_processed);
  assert.equal(again.data_blobs ?? 0, 0);
  await stowage("restore", `latest:${tree}`, "--target", restored);
  assert.deepEqual(compareTrees(tree, restored, { root: false }), []);
  const verdict = await resticMust(["check", "--read-data"], { repository, password });
  assert.match(verdict.stdout, /no errors were found/);
  t.diagnostic(`${tree}: ${entries} entries, ${first.total_bytes_processed} bytes, ${first.data_added_packed} stored`);
});
