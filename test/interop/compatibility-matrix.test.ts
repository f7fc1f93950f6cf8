// Three releases of restic on our repositories, and our engine on theirs, in both versions of the format. What passes here
// is the table of docs/compatibility.md.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { resticVersions } from "../support/peers.ts";
import { writeRandomTree } from "../support/random-tree.ts";
import { makeTemporaryDirectory, removeDirectory } from "../support/temporary-directory.ts";
import { TwoPrograms } from "../support/two-programs.ts";

/** Each goes on where the one before it has ended. */
type Steps = Readonly<Record<string, (both: TwoPrograms) => Promise<void>>>;

const seed = process.env.STOWAGE_SEED ?? String(Math.floor(Math.random() * 1e9));

const resticOnOurs: Steps = {
  "`check --read-data` by restic": async (both) => {
    await both.weInit();
    await both.weBackUp();
    both.changeTree(`${seed} before`);
    await both.weBackUp();
    await both.resticChecks();
  },
  "`restore` by restic": (both) => both.resticRestores(),
  "`backup` by restic on top: nothing is read, nothing stored": async (both) => {
    const summary = await both.resticBacksUp();
    assert.deepEqual([summary.files_new, summary.files_changed, summary.data_blobs], [0, 0, 0]);
    assert.ok(Number(summary.files_unmodified) > 0);
  },
  "`backup` of changes by restic, `restore` by ours": async (both) => {
    both.changeTree(`${seed} after`);
    const summary = await both.resticBacksUp();
    assert.ok(Number(summary.data_blobs) > 0);
    await both.weRestore();
  },
  "`forget --prune` by restic, `check --read-data` by both, `restore` by ours": async (both) => {
    await both.resticForgetsAndPrunes();
    await both.resticChecks();
    await both.weCheck();
    await both.weRestore();
  },
};

const oursOnRestics: Steps = {
  "`check --read-data` by ours": async (both) => {
    await both.resticInits();
    await both.resticBacksUp();
    both.changeTree(`${seed} before`);
    await both.resticBacksUp();
    await both.weCheck();
  },
  "`restore` by ours": (both) => both.weRestore(),
  "`backup` by ours on top: nothing is read, nothing stored": async (both) => {
    const { summary } = await both.weBackUp();
    assert.deepEqual([summary.filesNew, summary.filesChanged, summary.dataBlobs], [0, 0, 0]);
    assert.ok(summary.filesUnmodified > 0);
  },
  "`backup` of changes by ours, `restore` by restic": async (both) => {
    both.changeTree(`${seed} after`);
    const { summary } = await both.weBackUp();
    assert.ok(summary.dataBlobs > 0);
    await both.resticRestores();
  },
  "`forget --prune` by ours, `check --read-data` by both, `restore` by restic": async (both) => {
    await both.weForgetAndPrune();
    await both.weCheck();
    await both.resticChecks();
    await both.resticRestores();
  },
};

const directions = { "Our repositories": resticOnOurs, "restic's repositories": oursOnRestics };

/** "step / restic's version" → the versions of the format that it passed in. */
const passed = new Map<string, number[]>();

describe(`releases of restic and ours in one repository, seed ${seed} (STOWAGE_SEED repeats it)`, {
  concurrency: 3,
}, () => {
  for (const restic of resticVersions) {
    for (const version of [1, 2] as const) {
      for (const [title, steps] of Object.entries(directions)) {
        describe(`${title}, restic ${restic}, version ${version} of the format`, { concurrency: 1 }, () => {
          const folder = makeTemporaryDirectory("compatibility");
          const tree = join(folder, "tree");
          mkdirSync(tree);
          writeRandomTree(tree, {
            seed: `${seed} ${restic} ${version} ${title}`,
            entries: 60,
            largestFileBytes: 1_500_000,
            devices: true,
            // restic keeps the bytes of such links since 0.16.
            anyBytesInLinks: restic !== "0.14.0",
          });
          const both = new TwoPrograms({ folder, tree, restic, version });
          after(async () => {
            await both.close();
            removeDirectory(folder);
          });
          for (const [step, run] of Object.entries(steps)) {
            it(step, async () => {
              await run(both);
              const cell = `${step} / ${restic}`;
              passed.set(cell, [...(passed.get(cell) ?? []), version].sort());
            });
          }
        });
      }
    }
  }
});

it("docs/compatibility.md has the table of what has passed", () => {
  const page = readFileSync(join(import.meta.dirname, "..", "..", "docs", "compatibility.md"), "utf8");
  for (const [title, steps] of Object.entries(directions)) {
    const rows = Object.keys(steps).map((step) => {
      const cells = resticVersions.map((restic) => (passed.get(`${step} / ${restic}`) ?? ["no"]).join(", "));
      return `| ${step} | ${cells.join(" | ")} |`;
    });
    const table = [
      `| ${title} | ${resticVersions.join(" | ")} |`,
      `|---|${"---|".repeat(resticVersions.length)}`,
      ...rows,
    ];
    assert.ok(page.includes(table.join("\n")), `docs/compatibility.md does not have this table:\n${table.join("\n")}`);
  }
});
