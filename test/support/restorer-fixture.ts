// Snapshots made entry by entry, hostile ones too, and threads that are none: what tests of the restorer need.
import { type BlobId, idOf, type SnapshotId } from "../../repo-format/format/id.ts";
import { emptyNode, type Node, type NodeType } from "../../repo-format/format/node.ts";
import { encodeTree } from "../../repo-format/format/tree.ts";
import { withBlobUploader } from "../../repo-format/repository/blob-uploader.ts";
import type { Repository } from "../../repo-format/repository/repository.ts";
import { type RestoreSource, restore } from "../../repo-format/restorer/restore.ts";
import type { RestoreOptions, RestoreResult } from "../../repo-format/restorer/restore-options.ts";
import { ByteBudget } from "../../repo-format/workers/byte-budget.ts";
import { type RestoreTask, type RestoreTaskResult, runRestoreTask } from "../../repo-format/workers/restore-task.ts";
import { storeSnapshot } from "./memory-repository.ts";

const owner = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };

/** One entry of a directory to be. */
export interface EntrySketch {
  readonly type: NodeType;
  readonly fields: Partial<Node>;
  /** Pieces of a file; each becomes a blob. */
  readonly pieces?: readonly (string | Buffer)[];
  readonly entries?: readonly (readonly [name: string | Buffer, EntrySketch])[];
}

type Entries = readonly (readonly [name: string | Buffer, EntrySketch])[];

export function file(pieces: readonly (string | Buffer)[] = [], fields: Partial<Node> = {}): EntrySketch {
  return { type: "file", pieces, fields: { mode: 0o640, links: 1, ...fields } };
}

export function directory(entries: Entries, fields: Partial<Node> = {}): EntrySketch {
  return { type: "dir", entries, fields: { mode: 0x8000_0000 + 0o750, ...fields } };
}

export function symlink(target: string | Buffer, fields: Partial<Node> = {}): EntrySketch {
  const linkTarget = typeof target === "string" ? Buffer.from(target) : target;
  return { type: "symlink", fields: { linkTarget, mode: 0x0800_0000 + 0o777, ...fields } };
}

export function other(type: NodeType, fields: Partial<Node> = {}): EntrySketch {
  return { type, fields: { mode: 0o600, ...fields } };
}

/** Stores the entries as they are given, in this order: a tree that no writer would make is possible. */
export async function storeEntries(repo: Repository, entries: Entries): Promise<SnapshotId> {
  const tree = await withBlobUploader(repo, {}, (uploader) => {
    const save = async (type: "data" | "tree", bytes: Buffer): Promise<BlobId> =>
      (await uploader.saveBlob(type, bytes)).id;
    return storeTree(entries, save);
  });
  return storeSnapshot(repo, tree);
}

type SaveBlob = (type: "data" | "tree", bytes: Buffer) => Promise<BlobId>;

async function storeTree(entries: Entries, save: SaveBlob): Promise<BlobId> {
  const encoded: string[] = [];
  for (const [name, sketch] of entries) encoded.push(encodedNode(await nodeOf(name, sketch, save)));
  return save("tree", Buffer.from(`{"nodes":[${encoded.join(",")}]}\n`, "latin1"));
}

async function nodeOf(name: string | Buffer, sketch: EntrySketch, save: SaveBlob): Promise<Node> {
  const node = emptyNode(Buffer.from(name as string), sketch.type);
  Object.assign(node, owner, { mtime: "2020-01-02T03:04:05.000000006Z", atime: "2020-01-02T03:04:05.000000006Z" });
  if (sketch.pieces !== undefined) {
    const pieces = sketch.pieces.map((piece) => Buffer.from(piece as string));
    node.content = await Promise.all(pieces.map((piece) => save("data", piece)));
    node.size = pieces.reduce((sum, piece) => sum + piece.length, 0);
  }
  if (sketch.entries !== undefined) node.subtree = await storeTree(sketch.entries, save);
  return Object.assign(node, sketch.fields);
}

/** The encoder refuses names that no directory can have: those are put into the text of another node. */
function encodedNode(node: Node): string {
  const placeholder = Buffer.from("placeholder-name");
  const text = encodeTree([{ ...node, name: placeholder }]).toString("latin1");
  const inner = text.slice('{"nodes":['.length, -"]}\n".length);
  const name = Buffer.from(JSON.stringify(node.name.toString("latin1")).replaceAll("\\", "\\\\")).toString();
  const isPlain = /^[\x20-\x7e]*$/.test(node.name.toString("latin1")) && !/["\\<>&]/.test(node.name.toString("latin1"));
  if (isPlain) return inner.replace('"placeholder-name"', name);
  if (node.name.includes(0) || node.name.length === 0)
    return inner.replace('"placeholder-name"', nameWithNul(node.name));
  return encodeTree([node]).toString("latin1").slice('{"nodes":['.length, -"]}\n".length);
}

/** As Go quotes a NUL, and then JSON the backslash. */
function nameWithNul(name: Buffer): string {
  return `"${name.toString("latin1").replaceAll("\0", "\\\\x00")}"`;
}

export interface FakeThreads {
  readonly threads: number;
  readonly budget: ByteBudget;
  readonly tasks: RestoreTask[];
  /** Called before each task; may throw, wait, or answer instead. */
  intercept?: (task: RestoreTask) => Promise<RestoreTaskResult | undefined> | RestoreTaskResult | undefined;
  restoreBlobs(task: RestoreTask): Promise<RestoreTaskResult>;
}

/** Does the tasks in this thread, one turn later. */
export function fakeThreads(repo: Pick<Repository, "masterKey">, limitBytes: number = 8 * 1024 * 1024): FakeThreads {
  const fake: FakeThreads = {
    threads: 2,
    budget: new ByteBudget(limitBytes),
    tasks: [],
    async restoreBlobs(task) {
      fake.tasks.push(task);
      const answer = await fake.intercept?.(task);
      return answer ?? runRestoreTask(task, repo.masterKey);
    },
  };
  return fake;
}

/** Restores with threads that are none, and devices left out, unless the options say otherwise. */
export function restoreInThread(
  repo: RestoreSource,
  options: Partial<RestoreOptions> & Pick<RestoreOptions, "snapshotId" | "target">,
): Promise<RestoreResult> {
  return restore(repo, { restoreDevices: false, pool: fakeThreads(repo), ...options });
}

export function blobIdOf(piece: string | Buffer): BlobId {
  return idOf<BlobId>(Buffer.from(piece as string));
}
