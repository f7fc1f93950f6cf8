// What a repository's store has answered so far, for telling a slow store from one that hangs.

import type { Repository } from "../../repo-format/index.ts";

/** Grows while the store serves anybody who uses this repository; requests about locks are left out. */
export function answersOf({ storage }: Pick<Repository, "storage">): number {
  return storage.meter?.answers ?? 0;
}
