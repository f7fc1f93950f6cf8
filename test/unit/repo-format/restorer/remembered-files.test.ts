import assert from "node:assert/strict";
import {
  appendFileSync,
  closeSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { DirectoryHandle } from "../../../../repo-format/file-tree/directory-handle.ts";
import { type BlobId, idOf } from "../../../../repo-format/format/id.ts";
import { emptyNode, type Node } from "../../../../repo-format/format/node.ts";
import { LocalNotes } from "../../../../repo-format/notes/local-notes.ts";
import { RememberedFiles } from "../../../../repo-format/restorer/remembered-files.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

const content = [idOf<BlobId>(Buffer.from("content"))];
const node: Node = Object.assign(emptyNode(Buffer.from("file"), "file"), { size: 7, content });

interface Scene {
  readonly path: string;
  readonly remembered: RememberedFiles;
  /** Sets the metadata, and ends the restore. @returns whether the next backup would know the file */
  isTold(between?: () => void, isRight?: boolean): Promise<boolean>;
}

async function scene(t: TestContext, file = 0): Promise<Scene> {
  const folder = temporaryDirectory(t, "remembered");
  const path = join(folder, "file");
  writeFileSync(path, "content");
  const notes = (await LocalNotes.open({
    ...{ directory: join(folder, "notes"), repositoryId: "r", clock: Date.now },
    onWarning: (message) => assert.fail(message),
  })) as LocalNotes;
  const remembered = new RememberedFiles(notes);
  const handle = DirectoryHandle.openRoot(folder);
  t.after(() => handle.close());
  return {
    path,
    remembered,
    async isTold(between = () => undefined, isRight = true) {
      remembered.begin({ snapshotId: undefined, target: folder }, 1);
      between();
      const apply = (): boolean => {
        utimesSync(path, 1_600_000_000, 1_600_000_000);
        return isRight;
      };
      remembered.finishFile(file, node, { directory: () => handle, apply });
      await remembered.finish();
      const opened = notes.openRestored();
      const isKnown = opened.some((files) => files.has(lstatSync(path, { bigint: true }), content));
      for (const files of opened) files.close();
      return isKnown;
    },
  };
}

test("a file is told of as it is after its metadata were set", async (t) => {
  const { isTold, path, remembered } = await scene(t);
  remembered.hasContent(0, lstatSync(path, { bigint: true }));
  assert.equal(await isTold(), true);
});

test("a restore may have any number of files", async (t) => {
  const { isTold, path, remembered } = await scene(t, 100_000);
  remembered.hasContent(100_000, lstatSync(path, { bigint: true }));
  assert.equal(await isTold(), true);
});

test("a file of which nobody knows that its content is right is not told of", async (t) => {
  assert.equal(await (await scene(t)).isTold(), false);
});

test("a file that was written to, or replaced, before its metadata were set is not told of", async (t) => {
  const changes: ((path: string) => void)[] = [
    (path) => writeFileSync(path, "changed"),
    (path) => appendFileSync(path, "more"),
    (path) => {
      writeFileSync(`${path}.new`, "content");
      renameSync(`${path}.new`, path);
    },
  ];
  for (const change of changes) {
    const { isTold, path, remembered } = await scene(t);
    utimesSync(path, 1, 1);
    remembered.hasContent(0, lstatSync(path, { bigint: true }));
    assert.equal(await isTold(() => change(path)), false);
  }
});

test("a file that was touched while it was closed and incomplete is not told of, one that was left alone is", async (t) => {
  for (const isTouched of [false, true]) {
    const { isTold, path, remembered } = await scene(t);
    const withFile = (action: (fd: number) => void): void => {
      const fd = openSync(path, "r+");
      action(fd);
      closeSync(fd);
    };
    withFile((fd) => remembered.hasWritten(0, fd));
    if (isTouched) utimesSync(path, 1, 1);
    withFile((fd) => {
      remembered.hasReopened(0, fd);
      writeFileSync(fd, "content");
      remembered.hasWritten(0, fd);
    });
    assert.equal(await isTold(), !isTouched);
  }
});

test("a file with other names, or whose metadata could not be set, is not told of", async (t) => {
  const linked = await scene(t);
  linkSync(linked.path, `${linked.path}.link`);
  linked.remembered.hasContent(0, lstatSync(linked.path, { bigint: true }));
  assert.equal(await linked.isTold(), false);
  const refused = await scene(t);
  refused.remembered.hasContent(0, lstatSync(refused.path, { bigint: true }));
  assert.equal(await refused.isTold(undefined, false), false);
});

test("a restore that fails tells of nothing", async (t) => {
  const { isTold, path, remembered } = await scene(t);
  remembered.hasContent(0, lstatSync(path, { bigint: true }));
  assert.equal(await isTold(() => remembered.abandon()), false);
});
