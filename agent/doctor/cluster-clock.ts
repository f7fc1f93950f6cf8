// Is this machine's clock that of the API server? The stores' clocks are looked at with the stores.

import { judgeOffset } from "./clock-offset.ts";
import { type Check, type Finding, type Patient, skipped } from "./finding.ts";

export const clusterClock: Check = { name: "clock", from: "everywhere", run: askForTime };

async function askForTime({ client, clock }: Patient, signal: AbortSignal): Promise<Finding> {
  const before = clock.now();
  const theirs = await client.serverTime({ signal });
  if (theirs === undefined) return skipped("the API server does not say what time it is");
  return judgeOffset(theirs - (before + clock.now()) / 2, "the API server's");
}
