// Writes a Restore's progress into its status, at most once a second: every object would be a write else.
import type { Restore } from "../../api/restore.ts";
import { errorFacts } from "../../platform/coded-error.ts";
import { patchRestore } from "./end-restore.ts";
import type { RestoreProgress } from "./objects/restore-objects-options.ts";
import type { RestoreContext } from "./restore-context.ts";

const intervalMs = 1000;

export class ProgressReporter {
  readonly #restore: Restore;
  readonly #context: RestoreContext;
  #writing: Promise<void> = Promise.resolve();
  #isWriting = false;
  #wroteAtMs: number;

  constructor(restore: Restore, context: RestoreContext) {
    this.#restore = restore;
    this.#context = context;
    this.#wroteAtMs = context.clock.monotonicMs();
  }

  report(progress: RestoreProgress): void {
    const nowMs = this.#context.clock.monotonicMs();
    if (this.#isWriting || nowMs - this.#wroteAtMs < intervalMs) return;
    this.#wroteAtMs = nowMs;
    this.#isWriting = true;
    this.#writing = this.#write(progress).finally(() => {
      this.#isWriting = false;
    });
  }

  /** Nothing is written any more after this. */
  async finish(): Promise<void> {
    await this.#writing;
  }

  /** Numbers that cannot be written are told a second later. */
  async #write(progress: RestoreProgress): Promise<void> {
    try {
      await patchRestore(this.#restore, this.#context, { status: { progress } });
    } catch (error) {
      this.#context.log.debug("a restore's progress could not be written", errorFacts(error));
    }
  }
}
