// Cuts bytes of which neither length nor place is known beforehand (a pipe) into windows for the threads. The cuts are
// those that a file with the same bytes would get. Cutting costs 0.3 ms a MiB and decides where the next window begins, so
// it is done here; hashing, compressing and sealing are the threads' part.
import { createFastCdcChunker } from "../chunker/fastcdc-chunker.ts";
import type { StreamWindow } from "./messages.ts";
import { WindowCutter } from "./window-cutter.ts";

/** Bytes of one window: the largest chunk just fits. */
export const streamWindowBytes: number = 8 * 1024 * 1024;

/**
 * Yields windows in order, each with memory of its own that may be transferred.
 * @throws what `source` throws.
 */
export async function* cutStream(source: AsyncIterable<Uint8Array>): AsyncGenerator<StreamWindow, void, undefined> {
  const cutter = new WindowCutter(createFastCdcChunker());
  let window = Buffer.allocUnsafeSlow(streamWindowBytes);
  let filled = 0;
  let afterZeroChunk = false;
  const take = (isLast: boolean): StreamWindow => {
    const cuts = cutter.cut(window.subarray(0, filled), isLast, afterZeroChunk);
    const full = { bytes: window, cuts };
    window = Buffer.allocUnsafeSlow(streamWindowBytes);
    filled = full.bytes.copy(window, 0, cuts.end, filled);
    afterZeroChunk = cuts.afterZeroChunk;
    return full;
  };
  for await (const bytes of source) {
    for (let at = 0; at < bytes.length; ) {
      const length = Math.min(bytes.length - at, streamWindowBytes - filled);
      window.set(bytes.subarray(at, at + length), filled);
      filled += length;
      at += length;
      if (filled === streamWindowBytes) yield take(false);
    }
  }
  if (filled > 0) yield take(true);
}
