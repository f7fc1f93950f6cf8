// The programs that are measured, as whole processes with the same verbs: ours as built by `npm run build`, and restic.
import { join } from "node:path";
import { resticBinary } from "../../test/support/peers.ts";

export interface Contestant {
  readonly name: "stowage" | "restic";
  /** The words before a verb. */
  readonly command: readonly string[];
}

const built = join(import.meta.dirname, "..", "..", "dist", "src", "main.js");

/** Both are told to print nothing and to use no cache, so that both read the index from the repository. */
export function contestants(): readonly Contestant[] {
  return [
    { name: "stowage", command: [process.execPath, built, "repo", "--quiet", "--no-cache"] },
    { name: "restic", command: [resticBinary(), "--quiet", "--no-cache"] },
  ];
}
