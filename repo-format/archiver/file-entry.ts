// A file that is to be read: what the walk knows of it, and what is to happen when it was read.
import type { FileStat } from "../file-tree/file-stat.ts";
import type { Node } from "../format/node.ts";
import type { OpenedFileStat, SourceFailure } from "../workers/source-file.ts";
import type { FileContent } from "./hard-links.ts";
import type { SourceDirectory } from "./source-directory.ts";

export interface FileEntry {
  readonly directory: SourceDirectory;
  readonly name: Buffer;
  /** For people; one character per byte. */
  readonly path: string;
  /** As lstat saw it. */
  readonly stat: FileStat;
  readonly node: Node;
  /** Called exactly once, unless the run fails. */
  readonly onRead: (outcome: FileOutcome) => void;
}

export type FileOutcome =
  | {
      readonly kind: "read";
      readonly file: FileContent;
      /** It changed while it was read, each time that was tried. */
      readonly isChanging: boolean;
      /** fstat before reading, when that was not what lstat had seen. */
      readonly opened: OpenedFileStat | undefined;
    }
  | SourceFailure;
