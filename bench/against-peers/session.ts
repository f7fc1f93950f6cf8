// What every contestant can do with one repository, whatever its words for it are.

/** Where a repository is made. */
export type Place =
  | { readonly kind: "directory"; readonly path: string }
  | {
      readonly kind: "s3";
      /** "http://host:port". */
      readonly endpoint: string;
      readonly bucket: string;
      readonly prefix: string;
      readonly env: Readonly<Record<string, string>>;
    };

/** A program and its arguments. */
export type Words = readonly string[];

export interface BackupOptions {
  /** Do not open sealed data again before it is sent; kopia never does. */
  readonly noExtraVerify?: boolean;
}

/** One repository in the hands of one program: the command lines that are measured, and work that is not. */
export interface Session {
  readonly env: Readonly<Record<string, string>>;
  init(): Promise<void>;
  /** What costs nothing but the start of the program and the opening of the repository. */
  open(): Words;
  backup(source: string, options?: BackupOptions): Words;
  /** The content of `source` in the latest snapshot goes to `target`. */
  restore(source: string, target: string): Promise<Words>;
  checkReadData(): Words;
  /** Without reading the data. */
  check(): Words;
  listSnapshots(): Words;
  /** Not measured: backs up again without the files of these patterns, and forgets what was before. */
  makeGarbage(source: string, patterns: readonly string[]): Promise<void>;
  prune(): Words;
  /** As on another machine. */
  forgetCache(): void;
}

export const password = "bench";
