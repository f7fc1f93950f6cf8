// Notes that runs leave on this machine for those that come after: which files a restore has left as they were saved, and how
// far a backup has come in a large file. They save reading and nothing else: whoever finds none reads. So nothing here fails
// a run; what cannot be written or read is said once.
import { randomBytes } from "node:crypto";
import { readdirSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { FileStat } from "../file-tree/file-stat.ts";
import { makeFolders } from "../storage/local-files.ts";
import { bootId, fileFingerprint } from "./file-identity.ts";
import { RestoredFiles, RestoredFilesWriter, type RestoredHeader } from "./restored-files.ts";
import { type NotedRange, ResumeNote, readResumeNote } from "./resume-note.ts";

const dayMs: number = 24 * 60 * 60 * 1000;
/** A note of this age waits for a backup that does not come. */
const oldAfterMs: number = 14 * dayMs;
/** A temporary file of this age has no writer any more. */
const abandonedAfterMs: number = dayMs / 24;
/** Of the notes of all repositories; 33 million restored files. */
const maxBytes: number = 1024 ** 3;
/** Each is asked about each file that has changed. */
const maxRestores = 16;
/** To read less than this again takes less time than people notice. */
const defaultMinResumeBytes: number = 64 * 1024 * 1024;
/** Who changed a file right before it was opened may have changed it right after, within one tick of the clock. */
const settleNs = 2_000_000_000n;

/** Where notes for later runs on this machine are kept, and of which repository. Nothing here makes a run fail. */
export interface LocalNotesOptions {
  /** For the notes of all repositories; made when it is not there. */
  readonly directory: string;
  readonly repositoryId: string;
  /** Wall clock, ms since 1970. */
  readonly clock: () => number;
  /** Told what is of no use; the run goes on. */
  readonly onWarning: (message: string) => void;
  /** Files of this size are worth a note while they are read; default 64 MiB. */
  readonly minResumeBytes?: number;
}

/** What a restore says of itself. */
export type RestoreDescription = Pick<RestoredHeader, "snapshotId" | "target">;

/**
 * The notes of one repository on this machine, given to `restore` and `archive` as their option `notes`. Files that a
 * restore has written are not read by the next backup as long as nobody changes them; a backup that was killed in a large
 * file is taken up there. `open` gives undefined where none can be kept.
 */
export class LocalNotes {
  readonly #options: LocalNotesOptions;
  readonly #folder: string;
  readonly #bootId: string;
  #hasWarned = false;

  private constructor(options: LocalNotesOptions, folder: string, boot: string) {
    this.#options = options;
    this.#folder = folder;
    this.#bootId = boot;
  }

  /** Also removes what is old or too much. @returns undefined when no notes can be kept here. */
  static async open(options: LocalNotesOptions): Promise<LocalNotes | undefined> {
    const boot = bootId();
    if (boot === undefined) return undefined;
    try {
      const directory = resolve(options.directory);
      const folder = join(directory, options.repositoryId);
      await makeFolders(folder, 0o700);
      tidy(directory, options.clock());
      return new LocalNotes(options, folder, boot);
    } catch (error) {
      options.onWarning(`no notes for later runs can be kept: ${(error as Error).message}`);
      return undefined;
    }
  }

  /** @param capacity about as many files will be noted. @returns undefined when it cannot be begun. */
  beginRestored(about: RestoreDescription, capacity: number): RestoredFilesWriter | undefined {
    return this.#attempt("begun", () => {
      const target = resolve(about.target);
      const { dev, ino } = statSync(target, { bigint: true });
      const header: RestoredHeader = {
        ...about,
        target,
        device: dev.toString(),
        inode: ino.toString(),
        repositoryId: this.#options.repositoryId,
        bootId: this.#bootId,
      };
      const name = `restored.${randomBytes(8).toString("hex")}`;
      return new RestoredFilesWriter(join(this.#folder, name), header, capacity);
    });
  }

  /** Makes what a restore has noted valid. */
  async finishRestored(writer: RestoredFilesWriter): Promise<void> {
    try {
      await writer.finish(this.#options.clock());
    } catch (error) {
      writer.abandon();
      this.#warn("written", error);
    }
  }

  /** The valid notes of restores, the newest first; the caller closes them. */
  openRestored(): RestoredFiles[] {
    const names = this.#attempt("listed", () => readdirSync(this.#folder)) ?? [];
    const opened = names.filter((name) => /^restored\.[0-9a-f]+$/.test(name)).map((name) => this.#open(name));
    const valid = opened.filter((files) => files !== undefined);
    valid.sort((a, b) => b.header.madeAtMs - a.header.madeAtMs);
    for (const files of valid.splice(maxRestores)) files.close();
    return valid;
  }

  /** The ranges that an earlier run has read of this very file; none when it is not worth a note. */
  resumable(stat: FileStat): NotedRange[] {
    if (!this.isWorthResuming(stat)) return [];
    const { path, key } = this.#resumePlace(stat);
    try {
      return readResumeNote(path, key);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") this.#warn("read", error);
      return [];
    }
  }

  /** @param known of the file is stored already. @returns undefined when it cannot be begun. */
  beginResume(stat: FileStat, known: readonly NotedRange[]): { note: ResumeNote; path: string } | undefined {
    const { path, key } = this.#resumePlace(stat);
    return this.#attempt("begun", () => ({ note: new ResumeNote(path, key, known), path }));
  }

  isWorthResuming(stat: FileStat): boolean {
    const { minResumeBytes = defaultMinResumeBytes, clock } = this.#options;
    return stat.size >= BigInt(minResumeBytes) && stat.ctimeNs < BigInt(Math.trunc(clock())) * 1_000_000n - settleNs;
  }

  /** A note has served its purpose. */
  remove(path: string): void {
    this.#attempt("removed", () => rmSync(path, { force: true }));
  }

  #resumePlace(stat: FileStat): { readonly path: string; readonly key: Buffer } {
    const key = fileFingerprint(Buffer.from(`${this.#options.repositoryId} ${this.#bootId}`), stat);
    return { path: join(this.#folder, `resume.${key.toString("hex")}`), key };
  }

  #open(name: string): RestoredFiles | undefined {
    const path = join(this.#folder, name);
    const files = this.#attempt("read", () => RestoredFiles.open(path));
    if (files === undefined) {
      this.#options.onWarning(`a note of an earlier restore is damaged and was passed over: ${path}`);
      this.remove(path);
      return undefined;
    }
    const { repositoryId, bootId: boot } = files.header;
    if (repositoryId === this.#options.repositoryId && boot === this.#bootId) return files;
    files.close();
    this.remove(path);
    return undefined;
  }

  #attempt<T>(what: string, action: () => T): T | undefined {
    try {
      return action();
    } catch (error) {
      this.#warn(what, error);
      return undefined;
    }
  }

  #warn(what: string, error: unknown): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#options.onWarning(`a note for later runs could not be ${what}: ${(error as Error).message}`);
  }
}

/** Several processes may do so at a time: what one removed is gone for the other. */
function tidy(directory: string, nowMs: number): void {
  const kept: { readonly path: string; readonly bytes: number; readonly mtimeMs: number }[] = [];
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const isOurs = /^(restored|resume)\./.test(entry.name);
    const path = join(entry.parentPath, entry.name);
    const stat = isOurs && entry.isFile() ? statSync(path, { throwIfNoEntry: false }) : undefined;
    if (stat === undefined) continue;
    const limitMs = entry.name.endsWith("-part") ? abandonedAfterMs : oldAfterMs;
    if (nowMs - stat.mtimeMs > limitMs) rmSync(path, { force: true });
    else kept.push({ path, bytes: stat.blocks * 512, mtimeMs: stat.mtimeMs });
  }
  let bytes = 0;
  for (const note of kept.sort((a, b) => b.mtimeMs - a.mtimeMs)) {
    bytes += note.bytes;
    if (bytes > maxBytes) rmSync(note.path, { force: true });
  }
}
