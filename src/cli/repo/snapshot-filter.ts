// The flags that choose snapshots, with restic's meanings: --host, --tag and --path, each may be repeated.
import type { Command } from "commander";
import type { SnapshotFilter } from "../../../repo-format/index.ts";
import type { CommandContext } from "./command-context.ts";
import { collect } from "./flag-values.ts";

export interface SnapshotFilterFlags {
  readonly host?: readonly string[];
  readonly tag?: readonly string[];
  readonly path?: readonly string[];
}

/** Adds --host, --tag and --path; without `shortHost` the letter -H is left to the command. */
export function addSnapshotFilterOptions(
  command: Command,
  options: { readonly shortHost: boolean } = { shortHost: true },
): Command {
  return command
    .option(`${options.shortHost ? "-H, " : ""}--host <name>`, "only snapshots of this host (RESTIC_HOST)", collect)
    .option("--tag <tags>", "only snapshots with all of these tags (commas); repeated: any of the lists", collect)
    .option("--path <path>", "only snapshots of this path; repeated: of all of them", collect);
}

/** "a,b" and "c" become [["a","b"],["c"]]; an empty word, which a comma at the end makes too, means untagged. */
export function splitTags(tags: readonly string[] | undefined): string[][] {
  return (tags ?? []).map((list) => list.split(",").map((tag) => tag.trim()));
}

/** The tags that a snapshot gets: "a,b" and "c" become ["a","b","c"]; empty words are none. */
export function tagNames(tags: readonly string[] | undefined): string[] {
  return splitTags(tags)
    .flat()
    .filter((tag) => tag !== "");
}

/** The engine's filter for the flags; `--host ""` undoes RESTIC_HOST. */
export function snapshotFilter(
  flags: SnapshotFilterFlags,
  { environment }: Pick<CommandContext, "environment">,
): SnapshotFilter {
  const hosts = flags.host ?? (environment.host === undefined ? [] : [environment.host]);
  return {
    hosts: hosts.length === 1 && hosts[0] === "" ? [] : [...hosts],
    tags: splitTags(flags.tag),
    paths: [...(flags.path ?? [])],
  };
}
