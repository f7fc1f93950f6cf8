// Saves what comes through a pipe as the one file of a snapshot. Nothing is known of it beforehand, not even its length:
// it is cut as it arrives and sealed by the threads, and no more of it is in memory than these have room for.
import { RepositoryError } from "../errors.ts";
import type { BlobId } from "../format/id.ts";
import { emptyNode, type Node } from "../format/node.ts";
import type { TimeText } from "../format/time.ts";
import { encodeTree } from "../format/tree.ts";
import type { Stopwatch } from "../repository/stopwatch.ts";
import type { BlobRun } from "../workers/blob-run.ts";
import { idsOf } from "../workers/messages.ts";
import { sourceFailureOf } from "../workers/source-file.ts";
import { cutStream, streamWindowBytes } from "../workers/stream-cutter.ts";
import type { SourceStream } from "./archive-options.ts";
import type { ArchiveStatistics } from "./archive-statistics.ts";
import type { WalkedRoot } from "./source-walk.ts";
import type { TreeSaver } from "./tree-saver.ts";

/** Go's os.FileMode; what restic gives such a file and the directories above it. */
const fileMode = 0o644;
const directoryMode: number = 2 ** 31 + 0o755;

export interface StreamContext {
  readonly run: BlobRun;
  readonly trees: TreeSaver;
  readonly statistics: ArchiveStatistics;
  /** Of the file and its directories: a pipe has no times. */
  readonly time: TimeText;
  /** Called with an error that is not one of the stream. */
  readonly onFailed: (error: unknown) => void;
  readonly waiting: Stopwatch;
  /** Fires when the run is cancelled or has failed. */
  readonly signal: AbortSignal;
}

/**
 * Reads the stream to its end and stores it. One that gives nothing, or breaks off by an error of the system, is left out
 * with a warning, and the snapshot is written without it, as restic does.
 * @throws RepositoryError "source-failed" as `stream` throws it.
 */
export async function saveStream(stream: SourceStream, context: StreamContext): Promise<WalkedRoot> {
  const { statistics, trees } = context;
  statistics.totalFiles = 1;
  statistics.isScanned = true;
  const path = Buffer.from(stream.path).toString("latin1");
  const file = await readOrWarn(stream, path, context);
  const names = path.split("/").filter((name) => name !== "");
  let entry = file === undefined ? undefined : fileNode(names.pop() as string, file, context.time);
  if (entry !== undefined) statistics.addItem(path, entry, undefined);
  else names.length = 0;
  let treeId = trees.save(encodeTree(entry === undefined ? [] : [entry]));
  while (names.length > 0) {
    const place = `/${names.join("/")}`;
    entry = directoryNode(names.pop() as string, treeId, context.time);
    statistics.addItem(place, entry, undefined);
    treeId = trees.save(encodeTree([entry]));
  }
  await trees.finish();
  context.signal.throwIfAborted();
  return { treeId, isEmpty: false };
}

interface StoredStream {
  readonly content: readonly BlobId[];
  readonly sizeBytes: number;
}

async function readOrWarn(
  stream: SourceStream,
  path: string,
  context: StreamContext,
): Promise<StoredStream | undefined> {
  const { statistics, signal } = context;
  try {
    const stored = await store(stream.open(signal), context);
    if (stored.sizeBytes > 0) return stored;
    statistics.warn(path, "unreadable", "there was nothing to read");
  } catch (error) {
    signal.throwIfAborted();
    const failure = sourceFailureOf(error);
    const hasFailed = RepositoryError.is(error, "source-failed");
    if (failure === undefined && !hasFailed) throw error;
    statistics.warn(path, "unreadable", (error as Error).message);
    if (hasFailed) throw error;
  }
  return undefined;
}

/** Windows are sealed side by side; their ids come together in order. */
async function store(
  source: AsyncIterable<Uint8Array>,
  { run, statistics, waiting, signal, onFailed }: StreamContext,
): Promise<StoredStream> {
  const parts: Promise<readonly BlobId[]>[] = [];
  let sizeBytes = 0;
  try {
    for await (const window of cutStream(source)) {
      signal.throwIfAborted();
      if (!run.tryReserve(streamWindowBytes)) await waiting.during(run.reserve(streamWindowBytes));
      const { end } = window.cuts;
      const part = run.archiveWindow(window, streamWindowBytes).then(({ content }) => {
        statistics.addReadBytes(end);
        return idsOf(content);
      });
      // The signal then ends the reading, which may last as long as somebody has something to say.
      part.catch(onFailed);
      parts.push(part);
      sizeBytes += end;
    }
    return { content: (await waiting.during(Promise.all(parts))).flat(), sizeBytes };
  } finally {
    await Promise.allSettled(parts);
  }
}

function fileNode(name: string, { content, sizeBytes }: StoredStream, time: TimeText): Node {
  const node = emptyNode(Buffer.from(name, "latin1"), "file");
  return { ...node, mode: fileMode, mtime: time, atime: time, ctime: time, size: sizeBytes, content };
}

function directoryNode(name: string, subtree: BlobId, time: TimeText): Node {
  const node = emptyNode(Buffer.from(name, "latin1"), "dir");
  return { ...node, mode: directoryMode, mtime: time, atime: time, ctime: time, subtree };
}
