// Where files are cut into chunks. The format does not care: readers only join chunks. So this is an interface, and cuts
// must only be the same every time for the same bytes, so that equal data is stored once.

export interface Chunker {
  /** No chunk but the last of a file is shorter. */
  readonly minBytes: number;
  /** About the mean length of chunks of random data. */
  readonly averageBytes: number;
  /** No chunk is longer. */
  readonly maxBytes: number;
  /**
   * Finds the chunks in a window of a file. The window begins at the start of the file or at a cut that was accepted before.
   * @param final true when the window ends where the file ends.
   * @returns end offsets (exclusive) of the accepted chunks, ascending. Without `final` only cuts that no later byte can
   * change: the rest of the window begins the next one. With `final` the last is `window.length`; none for an empty window.
   * A window of at least `maxBytes` yields at least one chunk, so callers offer that much unless the file ends.
   */
  cut(window: Uint8Array, final: boolean): number[];
  /**
   * Memory of at least `bytes` to read a window into; `cut` takes what lies there, or a part of it, without a copy. The
   * next call takes it back.
   */
  window(bytes: number): Buffer;
}
