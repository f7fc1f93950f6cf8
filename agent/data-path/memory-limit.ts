// What fits into the memory that the container may use: worker threads, and requests at a time, each of which holds a pack
// of 16 MiB for as long as the store takes. Without this a limit would not make the agent smaller: the kernel would end it
// in the middle of a volume, again and again.

export interface FittingWork {
  /** Undefined: as many as there are cores. */
  readonly threads: number | undefined;
  /** To each store; undefined: the engine's number. */
  readonly connections: number | undefined;
}

const mebibyte = 1024 * 1024;

/** Measured on S3, first backup of random data: what the process needs without threads, and what each adds at most. */
const baseBytes: number = 170 * mebibyte;
const bytesPerThread: number = 85 * mebibyte;

/** With less than this, packs that wait for a store that stands still would be what is too much. */
const roomyBytes: number = 384 * mebibyte;
const fewConnections = 2;

/** A limit that nobody has set is reported as next to infinite, or as 0. */
const unlimitedBytes: number = 2 ** 50;

/** @param limitBytes of the container, as Node reports it; undefined or 0 without one. */
export function workWithin(limitBytes: number | undefined): FittingWork {
  if (limitBytes === undefined || limitBytes <= 0 || limitBytes >= unlimitedBytes)
    return { threads: undefined, connections: undefined };
  return {
    threads: Math.max(1, Math.floor((limitBytes - baseBytes) / bytesPerThread)),
    connections: limitBytes < roomyBytes ? fewConnections : undefined,
  };
}
