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
export async function contestants(): Promise<readonly Contestant[]> {
  const [restic, kopia] = [resticBinary(), kopiaBinary()];
  const ours = [process.execPath, built, "repo"];
  return [
    { name: "stowage", version: await ourVersion(), session: (...where) => new ResticSession(ours, ...where) },
    {
      name: "restic",
      version: await versionOf(restic, "version"),
      session: (...where) => new ResticSession([restic], ...where),
    },
    {
      name: "kopia",
      version: await versionOf(kopia, "--version"),
      session: (...where) => new KopiaSession(kopia, ...where),
    },
  ];
}

async function versionOf(program: string, verb: string): Promise<string> {
  return /\d+\.\d+\.\d+/.exec(await runUnmeasured([program, verb]))?.[0] ?? "unknown";
}

async function ourVersion(): Promise<string> {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  try {
    const commit = await runUnmeasured(["git", "-C", root, "describe", "--always", "--dirty"]);
    return `${version} (${commit.trim()})`;
  } catch {
    // Not a checkout.
    return version;
  }
}
