// The engine's notes for later runs, in the agent's scratch folder: they outlive the agent's process, not its pod.
import { LocalNotes, type Repository } from "../../repo-format/index.ts";
import type { Clock } from "../../src/platform/clock.ts";
import type { Logger } from "../../src/platform/logger.ts";

export interface KeptNotesOptions {
  /** Undefined: the agent was given no folder, and nothing is kept. */
  readonly scratchDir: string | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

export class KeptNotes {
  readonly #options: KeptNotesOptions;

  constructor(options: KeptNotesOptions) {
    this.#options = options;
  }

  /** Undefined when none can be kept: the next run reads more. */
  async open(repository: Pick<Repository, "id">): Promise<LocalNotes | undefined> {
    const { scratchDir, clock, log } = this.#options;
    if (scratchDir === undefined) return undefined;
    return await LocalNotes.open({
      directory: `${scratchDir}/stowage-notes`,
      repositoryId: repository.id,
      clock: () => clock.now(),
      onWarning: (message) => log.warn(message, { repository: repository.id }),
    });
  }
}
