// Tables of snapshots, oldest first, as `snapshots` and `forget` show them.
import type { FoundSnapshot, SnapshotGroup } from "../../../repo-format/index.ts";
import { formatBytes, formatCount } from "../output/format-values.ts";
import { formatTable } from "../output/table.ts";
import { printable } from "../output/terminal-text.ts";
import { displayTime, localZone } from "./snapshot-time.ts";

export interface SnapshotTableOptions {
  readonly compact: boolean;
  /** Why each is kept, by id; a column of its own. */
  readonly reasons?: ReadonlyMap<string, readonly string[]>;
}

/** The whole table as text that ends with a newline. */
export function snapshotTable(found: readonly FoundSnapshot[], options: SnapshotTableOptions): string {
  const { compact, reasons } = options;
  const columns = ["ID", "Time", "Host", "Tags", ...(reasons === undefined || compact ? [] : ["Reasons"])];
  const head = [...columns, ...(compact ? [] : ["Paths"]), "Size"];
  const rows = [...found].sort(byTime).map(({ id, snapshot }) => {
    const size = snapshot.summary === undefined ? "" : formatBytes(snapshot.summary.totalBytesProcessed);
    const cells = [id.slice(0, 8), displayTime(snapshot.time), snapshot.hostname];
    if (compact) return [...cells, snapshot.tags.join("\n"), size].map(printableLines);
    const why = reasons === undefined ? [] : [(reasons.get(id) ?? []).join("\n")];
    return [...cells, snapshot.tags.join(","), ...why, snapshot.paths.join("\n"), size].map(printableLines);
  });
  const footer = `Timestamps shown in ${localZone()}\n${formatCount(found.length, "snapshot")}`;
  return formatTable({ head, rows, footer });
}

/** "host web1, paths /etc, tags nightly", or "all snapshots". */
export function groupTitle(key: SnapshotGroup["key"]): string {
  const parts = [
    key.hostname === "" ? "" : `host ${key.hostname}`,
    key.paths === null ? "" : `paths ${key.paths.join(" ")}`,
    key.tags === null ? "" : `tags ${key.tags.join(",")}`,
  ].filter((part) => part !== "");
  return parts.length === 0 ? "all" : printable(parts.join(", "));
}

function byTime(a: FoundSnapshot, b: FoundSnapshot): number {
  return Date.parse(a.snapshot.time) - Date.parse(b.snapshot.time);
}

function printableLines(cell: string): string {
  return cell.split("\n").map(printable).join("\n");
}
