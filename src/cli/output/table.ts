// Plain tables: columns as wide as their widest cell, cells of several lines, a rule below the head and at the end.

export interface TableOptions {
  readonly head: readonly string[];
  /** One array per row; a cell may hold several lines. */
  readonly rows: readonly (readonly string[])[];
  /** Indexes of columns that are aligned to the right. */
  readonly right?: readonly number[];
  readonly footer?: string;
}

/** The whole table as text that ends with a newline. */
export function formatTable(options: TableOptions): string {
  const right = new Set(options.right ?? []);
  const widths = options.head.map((title, column) =>
    Math.max(
      title.length,
      ...options.rows.flatMap((row) => (row[column] ?? "").split("\n").map((line) => line.length)),
    ),
  );
  const layOut = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        right.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd();
  const rule = "-".repeat(widths.reduce((sum, width) => sum + width + 2, -2));
  const lines = [layOut(options.head), rule];
  for (const row of options.rows) {
    const cells = row.map((cell) => cell.split("\n"));
    const height = Math.max(1, ...cells.map((cell) => cell.length));
    for (let line = 0; line < height; line++) lines.push(layOut(cells.map((cell) => cell[line] ?? "")));
  }
  lines.push(rule);
  if (options.footer !== undefined) lines.push(options.footer);
  return `${lines.join("\n")}\n`;
}
