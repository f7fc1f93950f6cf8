// For calls of the API server on which much depends and nobody waits: it may be away for a while, and one that has just come
// back refuses what it permits a second later, until it has read its own rules.
import { reconnectBackoff, retryWithBackoff } from "../src/platform/backoff.ts";
import { asCodedError } from "../src/platform/coded-error.ts";
import type { AgentContext } from "./agent-context.ts";

/** Tries again for as long as --resource-timeout says, when the error may pass. @throws the last error; the signal's reason. */
export async function patiently<T>(
  context: Pick<AgentContext, "clock" | "config">,
  signal: AbortSignal,
  action: () => Promise<T>,
): Promise<T> {
  const { clock, config } = context;
  const endMs = clock.monotonicMs() + config.resourceTimeoutMs;
  return await retryWithBackoff(action, {
    backoff: reconnectBackoff,
    clock,
    signal,
    maxAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: (error) => asCodedError(error)?.retry === "backoff" && clock.monotonicMs() < endMs,
  });
}
