// The programs that are measured, as whole processes: ours as built by `npm run build` and started as its first line says,
// restic and kopia. Each works with its defaults, with a cache and settings of its own in a scratch folder, and prints as little as it can.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { kopiaBinary, resticBinary, veleroBinary } from "../../test/support/peers.ts";
import { KopiaSession } from "./kopia-session.ts";
import { startWords } from "./our-program.ts";
import { ResticSession } from "./restic-session.ts";
import { runUnmeasured } from "./run-unmeasured.ts";
import type { Place, Session, Words } from "./session.ts";

/** In the order of the columns. Velero's server takes part where ours does. */
export const contestantNames = ["stowage", "restic", "kopia", "velero"] as const;
/** Whose columns every shape has that says nothing else. */
export const repositoryWriters: readonly ContestantName[] = ["stowage", "restic", "kopia"];
export type ContestantName = (typeof contestantNames)[number];

export interface Contestant {
  readonly name: ContestantName;
  readonly version: string;
  /** What starts it, before any command. */
  readonly program: Words;
  /** @param scratch an empty folder for cache and settings. */
  session(place: Place, scratch: string): Session;
}

const root: string = join(import.meta.dirname, "..", "..");
const built: string = join(root, "dist", "src", "main.js");

/**
 * Programs that are not built yet are built now, with progress on standard error.
 * @param names of those that take part.
 * @param runner words before ours alone, which run it under a memory limit.
 */
export async function contestants(
  names: ReadonlySet<ContestantName>,
  runner: Words = [],
): Promise<readonly Contestant[]> {
  return await Promise.all(contestantNames.filter((name) => names.has(name)).map((name) => entrants[name](runner)));
}

const entrants: Readonly<Record<ContestantName, (runner: Words) => Promise<Contestant>>> = {
  stowage: async (runner) => {
    const ours = [...runner, ...startWords(built)];
    return {
      name: "stowage",
      version: await ourVersion(),
      program: ours,
      session: (...where) => new ResticSession([...ours, "repo"], ...where),
    };
  },
  restic: async () => {
    const restic = resticBinary();
    return {
      name: "restic",
      version: await versionOf(restic, "version"),
      program: [restic],
      session: (...where) => new ResticSession([restic], ...where),
    };
  },
  kopia: async () => {
    const kopia = kopiaBinary();
    return {
      name: "kopia",
      version: await versionOf(kopia, "--version"),
      program: [kopia],
      session: (...where) => new KopiaSession(kopia, ...where),
    };
  },
  velero: async () => {
    const velero = veleroBinary();
    return {
      name: "velero",
      version: await versionOf(velero, "version", "--client-only"),
      program: [velero],
      session: () => {
        throw new Error("bug: Velero's server has no repository of its own");
      },
    };
  },
};

async function versionOf(program: string, ...words: string[]): Promise<string> {
  return /\d+\.\d+\.\d+/.exec(await runUnmeasured([program, ...words]))?.[0] ?? "unknown";
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
