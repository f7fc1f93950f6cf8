// A list of things to do, several at a time.

export interface WorkThroughOptions {
  readonly atOnce: number;
  readonly signal: AbortSignal;
}

/** Begins nothing more after a failure or the signal, and ends when all that was begun has. @throws the first failure */
export async function workThrough<T>(
  things: readonly T[],
  { atOnce, signal }: WorkThroughOptions,
  work: (thing: T) => Promise<void>,
): Promise<void> {
  const remaining = things.values();
  let hasFailed = false;
  const worker = async (): Promise<void> => {
    for (const thing of remaining) {
      if (hasFailed) return;
      signal.throwIfAborted();
      try {
        await work(thing);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: atOnce }, worker));
  const failure = ends.find((end) => end.status === "rejected");
  if (failure !== undefined) throw failure.reason;
}
