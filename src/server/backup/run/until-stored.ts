// What a Backup has gathered is not given up because its store is away for a moment.
import { backoffDelayMs, reconnectBackoff } from "../../../platform/backoff.ts";
import { errorFacts, explainError } from "../../../platform/coded-error.ts";
import { BackupError } from "../backup-error.ts";
import { isPassing } from "./backup-record.ts";
import type { RunParts } from "./save-cluster.ts";

/**
 * Tries for as long as the server waits for anything (--resource-timeout).
 * @throws BackupError "not-stored"
 */
export async function untilStored(
  { context, log, signal }: Pick<RunParts, "context" | "log" | "signal">,
  store: () => Promise<void>,
): Promise<void> {
  const startMs = context.clock.monotonicMs();
  for (let attempt = 0; ; attempt++) {
    try {
      return await store();
    } catch (error) {
      signal.throwIfAborted();
      const isOver = context.clock.monotonicMs() - startMs >= context.settings.resourceTimeoutMs;
      if (isOver || !isPassing(error))
        throw new BackupError("not-stored", `the backup cannot be stored: ${explainError(error)}`, error);
      log.log.warn("storing the backup failed, will try again", errorFacts(error));
    }
    await context.clock.sleep(backoffDelayMs(attempt, reconnectBackoff), signal);
  }
}
