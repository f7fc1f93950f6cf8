// Tables as kubectl prints them: a head in capitals, columns three blanks apart, no rules, so that awk and sort take them.
import { printable } from "./terminal-text.ts";

/** Cells are shown on one line each; the last column is not padded. */
export function formatColumns(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head.map((title) => title.toUpperCase()), ...rows.map((row) => row.map(printable))];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? "").length)));
  const layOut = (line: readonly string[]): string =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("   ")
      .trimEnd();
  return lines.map((line) => `${layOut(line)}\n`).join("");
}
