// A snapshot: which tree was saved, when, from where, by whom (restic design, *Snapshots*). Fields that other programs add
// are kept when a snapshot is written again.
import { type BlobId, isId, type SnapshotId } from "./id.ts";
import { jsonObject, StoredObject, unlessEmpty } from "./stored-json.ts";
import type { TimeText } from "./time.ts";

/** What the backup did; counts, and sizes in bytes. */
export interface SnapshotSummary {
  readonly backupStart: TimeText;
  readonly backupEnd: TimeText;
  readonly filesNew: number;
  readonly filesChanged: number;
  readonly filesUnmodified: number;
  readonly dirsNew: number;
  readonly dirsChanged: number;
  readonly dirsUnmodified: number;
  /** New blobs. */
  readonly dataBlobs: number;
  readonly treeBlobs: number;
  /** Bytes of new blobs before and after compression and encryption. */
  readonly dataAdded: number;
  readonly dataAddedPacked: number;
  readonly totalFilesProcessed: number;
  readonly totalBytesProcessed: number;
}

/** A snapshot file (restic design, *Snapshots*). */
export interface Snapshot {
  /** With the offset of the host's zone: retention looks at the wall clock of the text. */
  time: TimeText;
  parent?: SnapshotId;
  tree: BlobId;
  /** Absolute, in the order in which they were given. */
  paths: string[];
  hostname: string;
  username: string;
  uid: number;
  gid: number;
  excludes: string[];
  tags: string[];
  /** The first snapshot of a chain of changes (tag, rewrite, copy). */
  original?: SnapshotId;
  /** "name version"; shown, never interpreted. */
  programVersion: string;
  summary?: SnapshotSummary;
  /** Fields of other programs, written back as they were. */
  unknown: Record<string, unknown>;
}

/** The counts of a summary, in the order of the file. */
const summaryCounts = [
  ["files_new", "filesNew"],
  ["files_changed", "filesChanged"],
  ["files_unmodified", "filesUnmodified"],
  ["dirs_new", "dirsNew"],
  ["dirs_changed", "dirsChanged"],
  ["dirs_unmodified", "dirsUnmodified"],
  ["data_blobs", "dataBlobs"],
  ["tree_blobs", "treeBlobs"],
  ["data_added", "dataAdded"],
  ["data_added_packed", "dataAddedPacked"],
  ["total_files_processed", "totalFilesProcessed"],
  ["total_bytes_processed", "totalBytesProcessed"],
] as const satisfies readonly (readonly [string, keyof SnapshotSummary])[];

type CountName = (typeof summaryCounts)[number][1];

/** JSON without a newline, in restic's order; empty fields are left out as restic does. */
export function encodeSnapshot(snapshot: Snapshot): Buffer {
  const { summary } = snapshot;
  const members: (readonly [string, unknown])[] = [
    ["time", snapshot.time],
    ["parent", snapshot.parent],
    ["tree", snapshot.tree],
    ["paths", snapshot.paths],
    ["hostname", unlessEmpty(snapshot.hostname)],
    ["username", unlessEmpty(snapshot.username)],
    ["uid", unlessEmpty(snapshot.uid)],
    ["gid", unlessEmpty(snapshot.gid)],
    ["excludes", unlessEmpty(snapshot.excludes)],
    ["tags", unlessEmpty(snapshot.tags)],
    ["original", snapshot.original],
    ["program_version", unlessEmpty(snapshot.programVersion)],
    ["summary", summary === undefined ? undefined : summaryMembers(summary)],
    ...Object.entries(snapshot.unknown),
  ];
  return Buffer.from(jsonObject(members), "utf8");
}

function summaryMembers(summary: SnapshotSummary): Record<string, unknown> {
  const counts = summaryCounts.map(([key, name]) => [key, summary[name]] as const);
  return { backup_start: summary.backupStart, backup_end: summary.backupEnd, ...Object.fromEntries(counts) };
}

/** @throws RepositoryError "snapshot-malformed" when a field is missing or has the wrong type. */
export function decodeSnapshot(bytes: Uint8Array): Snapshot {
  const stored = new StoredObject(bytes, "snapshot-malformed", "the snapshot file");
  const tree = readId<BlobId>(stored, "tree");
  if (tree === undefined) throw stored.error('"tree" is missing');
  const parent = readId<SnapshotId>(stored, "parent");
  const original = readId<SnapshotId>(stored, "original");
  const summary = readSummary(stored.object("summary"));
  return {
    time: stored.time("time"),
    ...(parent === undefined ? {} : { parent }),
    tree,
    paths: stored.texts("paths"),
    hostname: stored.text("hostname"),
    username: stored.text("username"),
    uid: stored.uint("uid", 0xffff_ffff),
    gid: stored.uint("gid", 0xffff_ffff),
    excludes: stored.texts("excludes"),
    tags: stored.texts("tags"),
    ...(original === undefined ? {} : { original }),
    programVersion: stored.text("program_version"),
    ...(summary === undefined ? {} : { summary }),
    unknown: stored.unknown(),
  };
}

function readSummary(stored: StoredObject | undefined): SnapshotSummary | undefined {
  if (stored === undefined) return undefined;
  const counts = summaryCounts.map(([key, name]) => [name, stored.uint(key, Number.MAX_SAFE_INTEGER)] as const);
  return {
    backupStart: stored.time("backup_start"),
    backupEnd: stored.time("backup_end"),
    ...(Object.fromEntries(counts) as Record<CountName, number>),
  };
}

function readId<T extends BlobId | SnapshotId>(stored: StoredObject, key: string): T | undefined {
  const text = stored.text(key);
  if (text === "") return undefined;
  if (!isId<T>(text)) throw stored.error(`"${key}" is not an id`);
  return text;
}
