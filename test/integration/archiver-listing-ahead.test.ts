// Backups whose source is listed by threads ahead of the walk: the trees are the same, whatever happens to the source in
// the meantime.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { ArchiveOptions, ArchiveResult } from "../../repo-format/archiver/archive-options.ts";
import { findSubfolder } from "../../repo-format/restorer/find-subfolder.ts";
import { createBlobWorkerPool } from "../../repo-format/workers/blob-worker-pool.ts";
import { archiveFixture } from "../support/archive-fixture.ts";
import { seededBytes } from "../support/memory-repository.ts";
import { openFilesBelow } from "../support/open-files.ts";
import { writeRandomTree } from "../support/random-tree.ts";

const unaided: Partial<ArchiveOptions> = { entriesUnaided: Number.POSITIVE_INFINITY };
const aided: Partial<ArchiveOptions> = { entriesUnaided: 1 };

/** So many files and directories in each directory. */
function writeWideTree(root: string, width: number, depth: number): void {
  for (let index = 0; index < width; index++)
    writeFileSync(join(root, `file-${index}`), index % 2 === 0 ? "" : `${index}`);
  for (let index = 0; depth > 0 && index < width; index++) {
    mkdirSync(join(root, `d${index}`));
    writeWideTree(join(root, `d${index}`), width, depth - 1);
  }
}

function said({ summary, warnings, treeId }: ArchiveResult): unknown {
  const { filesNew, filesChanged, filesUnmodified, dirsNew, dirsChanged, dirsUnmodified } = summary;
  return { treeId, filesNew, filesChanged, filesUnmodified, dirsNew, dirsChanged, dirsUnmodified, warnings };
}

test("the same trees and counts come out, first, unchanged, changed and with excludes", async (t) => {
  const { source, repo, backUp, assertSound } = await archiveFixture(t);
  // More entries than one answer has, and more directories than a task begins with.
  writeWideTree(source, 4, 4);
  mkdirSync(join(source, "random"));
  writeRandomTree(join(source, "random"), { seed: "listed ahead", entries: 300 });
  const pool = createBlobWorkerPool(repo, 2);
  t.after(() => pool.close());
  const assertSame = async (options: Partial<ArchiveOptions>): Promise<void> => {
    const alone = await backUp({ dryRun: true, ...options, ...unaided });
    const together = await backUp({ dryRun: true, ...options, ...aided, pool });
    assert.deepEqual(said(together), said(alone));
  };
  await assertSame({ parent: "none" });
  await assertSame({ excludes: { patterns: ["d3", "/d1/d2/**", "file-2"], paths: [join(source, "d0")] } });
  // Directories above the source are in these trees, and other tests change those.
  const targets = [join(source, "d1"), join(source, "d2", "d3"), join(source, "random")];
  const saidBelow = async (options: Partial<ArchiveOptions>): Promise<unknown> => {
    const result = await backUp({ parent: "none", relativeRoot: false, targets, ...options });
    return said({ ...result, treeId: await findSubfolder(repo, result.treeId, source) });
  };
  assert.deepEqual(await saidBelow({ ...aided, pool }), await saidBelow(unaided));
  await assertSame({ excludes: { ifPresent: ["file-3"] } });
  const { treeId } = await backUp(aided);
  await assertSame({});
  assert.equal((await backUp({ ...aided, pool })).treeId, treeId);
  rmSync(join(source, "d2", "d2"), { recursive: true });
  writeFileSync(join(source, "d3", "d3", "file-1"), "changed");
  mkdirSync(join(source, "d3", "new"));
  await assertSame({});
  await assertSame({ ignoreInode: true });
  await assertSound();
  assert.deepEqual(openFilesBelow(source), []);
});

test("a directory of very many entries, and one of very many levels, are saved as without threads", async (t) => {
  const { source, backUp } = await archiveFixture(t);
  mkdirSync(join(source, "many"));
  for (let index = 0; index < 17_000; index++) writeFileSync(join(source, "many", `f${index}`), "");
  for (let index = 0; index < 40; index++) mkdirSync(join(source, "many", `d${index}`, "below"), { recursive: true });
  let path = source;
  for (let level = 0; level < 400; level++) {
    path = join(path, "d");
    mkdirSync(path);
    if (level % 50 === 49) writeFileSync(join(path, "file"), `${level}`);
  }
  const alone = await backUp({ dryRun: true, ...unaided });
  const together = await backUp({ dryRun: true, ...aided });
  assert.deepEqual(said(together), said(alone));
  assert.deepEqual(openFilesBelow(source), []);
});

test("what has vanished, or become something else, since it was listed is reported, and no link is followed", async (t) => {
  const { source, target, backUp, restic, assertSound } = await archiveFixture(t);
  const outside = join(target, "..", "outside");
  for (const folder of [outside, join(source, "a"), join(source, "b")]) mkdirSync(folder);
  writeFileSync(join(outside, "secret"), "not of this volume");
  // The walk waits for the first of these, which the only thread reads after it has listed the rest.
  for (const name of ["1", "2", "3"]) writeFileSync(join(source, "a", name), seededBytes(name, 9 * 1024 * 1024));
  for (const name of ["gone", "link", "moved", "same"]) {
    mkdirSync(join(source, "z", name, "below"), { recursive: true });
    writeFileSync(join(source, "z", name, "below", "secret"), "of this volume");
  }
  const onItem: ArchiveOptions["onItem"] = ({ path }) => {
    if (path !== "/b") return;
    rmSync(join(source, "z", "gone"), { recursive: true });
    rmSync(join(source, "z", "link", "below"), { recursive: true });
    symlinkSync(outside, join(source, "z", "link", "below"));
    renameSync(join(source, "z", "moved", "below"), join(source, "elsewhere"));
    mkdirSync(join(source, "z", "moved", "below"));
    writeFileSync(join(source, "z", "moved", "below", "secret"), "came later");
  };
  const { warnings } = await backUp({ ...aided, threads: 1, onItem });
  assert.deepEqual(
    warnings.map(({ path, kind }) => [path, kind]),
    [
      ["/z/gone/below/secret", "vanished"],
      ["/z/link/below/secret", "vanished"],
      ["/z/moved/below/secret", "unreadable"],
    ],
  );
  await assertSound();
  await restic(["restore", "latest", "--target", target]);
  assert.deepEqual(readdirSync(join(target, "z", "link", "below")), []);
  assert.deepEqual(readdirSync(join(target, "z", "same", "below")), ["secret"]);
  assert.deepEqual(openFilesBelow(source), []);
});

test("a backup that is cancelled or fails while threads list leaves nothing open", async (t) => {
  const { source, backUp } = await archiveFixture(t);
  writeWideTree(source, 5, 4);
  const cancel = new AbortController();
  let items = 0;
  const onItem = (): void => {
    if (++items === 300) cancel.abort();
  };
  await assert.rejects(backUp({ ...aided, signal: cancel.signal, onItem }), { code: "cancelled" });
  const onItemThatFails = (): void => {
    if (++items === 1000) throw new Error("the caller's own");
  };
  await assert.rejects(backUp({ ...aided, onItem: onItemThatFails }), /the caller's own/);
  assert.deepEqual(openFilesBelow(source), []);
});
