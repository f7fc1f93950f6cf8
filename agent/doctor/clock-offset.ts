// How far two clocks may be apart: stores refuse requests that are off by a quarter of an hour, and locks are judged by age.

import { type Finding, failed, ok, warning } from "./finding.ts";

const noticeableMs = 30_000;
const harmfulMs = 300_000;

/** @param offsetMs their clock minus ours. */
export function judgeOffset(offsetMs: number, whose: string): Finding {
  const seconds = Math.round(Math.abs(offsetMs) / 1000);
  if (Math.abs(offsetMs) < noticeableMs) return ok(`within ${Math.max(1, seconds)} s of ${whose}`);
  const message = `this node's clock is ${seconds} s ${offsetMs > 0 ? "behind" : "ahead of"} ${whose}`;
  const remedy = "set the clocks by NTP (chronyc tracking, timedatectl), on the node first";
  return Math.abs(offsetMs) < harmfulMs ? warning(message, remedy) : failed(message, remedy);
}
