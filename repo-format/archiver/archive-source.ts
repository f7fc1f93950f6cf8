// What a backup begins with: the paths as given, the paths as recorded, and the plan of the snapshot's top.
import { RepositoryError } from "../errors.ts";
import { DirectoryHandle } from "../file-tree/directory-handle.ts";
import { statNodeOfPath } from "../file-tree/node-metadata.ts";
import type { ArchiveOptions, SourceStream } from "./archive-options.ts";
import { type ArchiveStatistics, shownPath } from "./archive-statistics.ts";
import { absolutePath, cleanPath, hasNoName, planTargets, type TargetDirectory } from "./targets.ts";

export interface ArchiveSource {
  /** Recorded in the snapshot. */
  readonly paths: string[];
  /** A directory whose entries lie directly in the root, targets with the directories that lead to them, or a stream. */
  readonly root: Buffer | TargetDirectory | SourceStream;
  /** One character per byte. */
  readonly workingDirectory: string;
}

/**
 * Looks at the targets.
 * @throws RepositoryError "source-missing" when none of them exists, "argument-invalid" when there are none.
 */
export function openSource(options: ArchiveOptions, statistics: ArchiveStatistics): ArchiveSource {
  const workingDirectory = latin1Of(process.cwd());
  if (options.stream !== undefined) return streamSource(options.stream, options, workingDirectory);
  const given = options.targets.map(latin1Of);
  if (given.length === 0)
    throw new RepositoryError("argument-invalid", "there is nothing to back up: no path was given");
  const recorded = (paths: readonly string[]): string[] => [
    ...(options.paths ?? paths.map((path) => shownPath(absolutePath(path, workingDirectory)))),
  ];
  if (options.relativeRoot === true) return { paths: recorded(given), root: volumeRoot(given), workingDirectory };
  const present = given.filter((path) => exists(path) || reportMissing(path, statistics)).map(cleanPath);
  const paths = recorded(present);
  if (present.length === 0) {
    throw new RepositoryError(
      "source-missing",
      `none of the paths to back up exists: ${given.map(shownPath).join(", ")}`,
    );
  }
  const [only] = present;
  // One directory whose entries lie in the root: walked as it stands, however many there are.
  if (only !== undefined && present.length === 1 && hasNoName(only) && only !== "/") {
    return { paths, root: Buffer.from(only, "latin1"), workingDirectory };
  }
  return { paths, root: planTargets(present, namesOf), workingDirectory };
}

function streamSource(
  stream: SourceStream,
  { targets, paths }: ArchiveOptions,
  workingDirectory: string,
): ArchiveSource {
  if (targets.length > 0) throw new RepositoryError("argument-invalid", "a stream excludes files and directories");
  if (!stream.path.startsWith("/") || cleanPath(stream.path) !== stream.path || stream.path === "/")
    throw new RepositoryError("argument-invalid", `${JSON.stringify(stream.path)} is no name for what is read`);
  return { paths: [...(paths ?? [stream.path])], root: stream, workingDirectory };
}

function volumeRoot(given: readonly string[]): Buffer {
  const [path, ...others] = given;
  if (path === undefined || others.length > 0)
    throw new RepositoryError("argument-invalid", "a volume is one directory");
  if (exists(path)) return Buffer.from(cleanPath(path), "latin1");
  throw new RepositoryError("source-missing", `the volume's directory ${shownPath(path)} does not exist`);
}

function namesOf(path: string): readonly string[] {
  const directory = DirectoryHandle.openRoot(Buffer.from(path, "latin1"));
  try {
    return directory.readLatin1Names();
  } finally {
    directory.close();
  }
}

/**
 * Whatever else is wrong with a path shows when the walk comes to it. The empty path is nothing, not this directory: it
 * comes from a script's variable that is not set.
 */
function exists(path: string): boolean {
  if (path === "") return false;
  try {
    statNodeOfPath(Buffer.from(cleanPath(path), "latin1"), Buffer.from("target"));
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code !== "ENOENT" && code !== "ENOTDIR";
  }
}

function reportMissing(path: string, statistics: ArchiveStatistics): false {
  statistics.warn(path, "unreadable", "the path does not exist");
  return false;
}

function latin1Of(path: string | Buffer): string {
  return Buffer.from(path as string).toString("latin1");
}
