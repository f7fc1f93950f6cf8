// A snapshot in words, as restic names it above listings and restores.
import type { FoundSnapshot } from "../../../repo-format/index.ts";
import { printable } from "../output/terminal-text.ts";
import { displayTime } from "./snapshot-time.ts";

/** "snapshot 79766175 of [/home/ann] at 2026-03-31 12:00:00 by ann@web1" */
export function describeSnapshot({ id, snapshot }: FoundSnapshot): string {
  const { paths, time, username, hostname } = snapshot;
  return printable(
    `snapshot ${id.slice(0, 8)} of [${paths.join(" ")}] at ${displayTime(time)} by ${username}@${hostname}`,
  );
}
