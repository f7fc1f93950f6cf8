// One large file between two runs: what an earlier run has stored of it, and the note on what this one does.
import type { BlobId } from "../format/id.ts";
import type { NotedRange, ResumeNote } from "../notes/resume-note.ts";

export class FileResume {
  /** Stored already, from the beginning of the file on. */
  readonly known: readonly NotedRange[];
  #note: ResumeNote | undefined;
  /** Ranges come to an end in any order, and are noted in that of the file. */
  #noted: Promise<void> = Promise.resolve();

  constructor(known: readonly NotedRange[], note: ResumeNote | undefined) {
    this.known = known;
    this.#note = note;
  }

  /** Where reading goes on. */
  get start(): { readonly offset: number; readonly afterZeroChunk: boolean } {
    const last = this.known.at(-1);
    return { offset: last?.endOffset ?? 0, afterZeroChunk: last?.afterZeroChunk ?? false };
  }

  /** @param content of the range; it is on its way to the store when this resolves. */
  add(content: Promise<readonly BlobId[]>, end: Pick<NotedRange, "endOffset" | "afterZeroChunk">): void {
    this.#noted = this.#noted
      .then(async () => this.#note?.add({ content: await content, ...end }))
      // The range has failed, and says so itself; or the disk of the notes is full. Nothing can follow a gap.
      .catch(() => this.#end());
  }

  /** Resolves when nothing is written any more; all ranges must have ended. */
  async close(): Promise<void> {
    await this.#noted;
    this.#end();
  }

  #end(): void {
    this.#note?.close();
    this.#note = undefined;
  }
}
