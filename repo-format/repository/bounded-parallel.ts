// Runs an asynchronous step for many items, a bounded number at a time.
import { throwIfCancelled } from "../errors.ts";

export interface BoundedParallelOptions {
  /** Steps at a time, 1 or more. */
  readonly limit: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Yields the results in the order of the items. At most `limit` results are ready or under way, so a slow consumer slows
 * the work down. The first error ends it; steps under way then are left to end by themselves.
 */
export async function* boundedParallel<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  options: BoundedParallelOptions,
  step: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const running: Promise<R>[] = [];
  for await (const item of items) {
    throwIfCancelled(options.signal);
    const result = step(item);
    // A failure is reported when its turn comes; until then it must not count as unhandled.
    result.catch(() => undefined);
    running.push(result);
    if (running.length >= options.limit) yield await (running.shift() as Promise<R>);
  }
  for (let next = running.shift(); next !== undefined; next = running.shift()) yield await next;
}
