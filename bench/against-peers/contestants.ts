// The programs that are measured, as whole processes: ours as built by `npm run build`, restic and kopia. Each works with its
// defaults, with a cache and settings of its own in a scratch folder, and prints as little as it can.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { kopiaBinary, resticBinary } from "../../test/support/peers.ts";
import { KopiaSession } from "./kopia-session.ts";
import { ResticSession } from "./restic-session.ts";
import { runUnmeasured } from "./run-unmeasured.ts";
import type { Place, Session } from "./session.ts";

export const contestantNames = ["stowage", "restic", "kopia"] as const;
export type ContestantName = (typeof contestantNames)[number];

export interface Contestant {
  readonly name: ContestantName;
  readonly version: string;
  /** @param scratch an empty folder for cache and settings. */
  session(place: Place, scratch: string): Session;
}

const root: string = join(import.meta.dirname, "..", "..");
const built: string = join(root, "dist", "src", "main.js");

/** Programs that are not built yet are built now, with progress on standard error. */
export function contestants(): readonly Contestant[] {
  const [restic, kopia] = [resticBinary(), kopiaBinary()];
  const ours = [process.execPath, built, "repo"];
  return [
    { name: "stowage", version: ourVersion(), session: (...where) => new ResticSession(ours, ...where) },
    {
      name: "restic",
      version: versionOf(restic, "version"),
      session: (...where) => new ResticSession([restic], ...where),
    },
    { name: "kopia", version: versionOf(kopia, "--version"), session: (...where) => new KopiaSession(kopia, ...where) },
  ];
}

function versionOf(program: string, verb: string): string {
  return /\d+\.\d+\.\d+/.exec(runUnmeasured([program, verb]))?.[0] ?? "unknown";
}

function ourVersion(): string {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  try {
    return `${version} (${runUnmeasured(["git", "-C", root, "describe", "--always", "--dirty"]).trim()})`;
  } catch {
    // Not a checkout.
    return version;
  }
}
