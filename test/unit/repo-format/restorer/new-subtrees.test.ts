import assert from "node:assert/strict";
import { test } from "node:test";
import type { BlobId } from "../../../../repo-format/format/id.ts";
import { directoryMark } from "../../../../repo-format/restorer/directory-table.ts";
import { NewSubtrees } from "../../../../repo-format/restorer/new-subtrees.ts";
import { fileAction, RestorePlan } from "../../../../repo-format/restorer/restore-plan.ts";

const tree = "00".repeat(32) as BlobId;
const metadata = { mode: 0o755, uid: 0, gid: 0, seconds: 1, nanoseconds: 0 };

/** A plan of directories by the row above each; all are new and read to the end. */
function planOf(parents: readonly number[], filesIn: Readonly<Record<number, number>> = {}): RestorePlan {
  const plan = new RestorePlan();
  const { directories } = plan;
  const row = { tree, isSelected: true, childMayBeSelected: true } as const;
  directories.add({ ...row, parent: -1, name: "", standing: "directory" });
  for (const [index, parent] of parents.entries()) {
    directories.add({ ...row, parent, name: `${index + 1}`, standing: "absent" });
    directories.metadata.set(index + 1, metadata);
  }
  for (let directory = 0; directory <= parents.length; directory++) {
    const first = parents.indexOf(directory) + 1;
    directories.firstDirectory.set(directory, first === 0 ? parents.length + 1 : first);
    directories.firstFile.set(directory, plan.files.count);
    directories.mark(directory, directoryMark.complete);
    for (let number = 0; number < (filesIn[directory] ?? 0); number++)
      plan.files.metadata.set(plan.addFile(directory, `file ${number}`, 0, fileAction.create), metadata);
  }
  return plan;
}

const rowsOf = (lists: Iterable<readonly { readonly row: number }[]>): number[][] =>
  Array.from(lists, (list) => list.map(({ row }) => row));

test("subtrees are listed from the top, one whole after the other, and begin outside of the task", () => {
  const subtrees = new NewSubtrees(planOf([0, 0, 1, 1, 3], { 5: 2 }));
  const [list = []] = [...subtrees.toMake()];
  assert.deepEqual(list, [
    { row: 1, isFirst: true },
    { row: 3, isFirst: false },
    { row: 5, isFirst: false },
    { row: 4, isFirst: false },
    { row: 2, isFirst: true },
  ]);
  for (const { row } of list) assert.equal(subtrees.isFinishable(row), true, `${row}`);
});

test("a directory that stands, or has more than plain metadata, stays with the main thread, and so do those above it", () => {
  const plan = planOf([0, 0, 1, 1, 3]);
  plan.directories.add({
    parent: 5,
    name: "stands",
    tree,
    standing: "directory",
    isSelected: true,
    childMayBeSelected: true,
  });
  plan.directories.firstDirectory.set(5, 6);
  const subtrees = new NewSubtrees(plan);
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6].map((row) => subtrees.has(row)),
    [false, true, false, true, false, false],
  );
  assert.deepEqual(rowsOf(subtrees.toMake()), [[4, 2]]);
});

test("a subtree that is too large or too deep for a task is divided", () => {
  const chain = Array.from({ length: 100 }, (_, row) => row);
  const deep = new NewSubtrees(planOf(chain));
  assert.equal(deep.has(68), false);
  assert.equal(deep.has(69), true);
  const wide = new NewSubtrees(
    planOf(
      Array.from({ length: 3000 }, () => 0),
      { 7: 5000 },
    ),
  );
  assert.equal(wide.has(7), false);
  const lists = rowsOf(wide.toMake());
  assert.equal(lists.flat().length, 2999);
  assert.equal(new Set(lists.flat()).size, 2999);
  for (const list of lists) assert.ok(list.length <= 1024);
});

test("what waits for data, links or a look into its tree is made and not finished; later, what is done is finished", () => {
  const plan = planOf([0, 0, 0, 1, 2], { 4: 1, 3: 1, 5: 1 });
  plan.addPart(tree, { packId: "aa".repeat(32) as never, offset: 0, length: 40, uncompressedLength: 0 }, 0);
  const subtrees = new NewSubtrees(plan);
  plan.directories.mark(3, directoryMark.hasOthers);
  assert.deepEqual(rowsOf(subtrees.toMake()), [[1, 4, 2, 5, 3]]);
  assert.deepEqual(
    [1, 4, 2, 5, 3].map((row) => subtrees.isFinishable(row)),
    [true, true, false, false, false],
  );
  for (const row of [1, 4]) subtrees.noteFinished(row);
  plan.files.action.set(2, fileAction.finished);
  assert.deepEqual(rowsOf(subtrees.toFinish()), [[2, 5]]);
});

test("a directory with a file that gets another name elsewhere stays open to whoever makes that", () => {
  const plan = planOf([0, 0], { 1: 1, 2: 1 });
  plan.files.action.set(1, fileAction.link);
  plan.files.linkTo.set(1, 0);
  const subtrees = new NewSubtrees(plan);
  subtrees.toMake();
  assert.deepEqual(
    [1, 2].map((row) => subtrees.isFinishable(row)),
    [false, false],
  );
});

test("nothing below a directory that could not be made is finished with it", () => {
  const plan = planOf([0, 0, 1]);
  const subtrees = new NewSubtrees(plan);
  assert.deepEqual(rowsOf(subtrees.toMake()), [[1, 3, 2]]);
  plan.directories.mark(3, directoryMark.blocked);
  assert.deepEqual(rowsOf(subtrees.toFinish()), [[2]]);
});
