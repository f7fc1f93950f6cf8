// How many worker threads fit into the memory that the container may use. Without this a limit would not make the agent
// smaller: the kernel would end it in the middle of a volume, again and again.

const mebibyte = 1024 * 1024;

/** Measured on S3, first backup of random data: what the process needs without threads, and what each adds at most. */
const baseBytes: number = 170 * mebibyte;
const bytesPerThread: number = 85 * mebibyte;

/** A limit that nobody has set is reported as next to infinite, or as 0. */
const unlimitedBytes: number = 2 ** 50;

/**
 * @param limitBytes of the container, as Node reports it; undefined or 0 without one.
 * @returns undefined: as many as there are cores.
 */
export function threadsWithin(limitBytes: number | undefined): number | undefined {
  if (limitBytes === undefined || limitBytes <= 0 || limitBytes >= unlimitedBytes) return undefined;
  return Math.max(1, Math.floor((limitBytes - baseBytes) / bytesPerThread));
}
