// Cases that tests have gone through, as a table of a page in docs: the test that closes the file fails when the page says
// anything else.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";

export class CaseTable {
  readonly #title: string;
  readonly #columns: readonly string[];
  readonly #cells = new Map<string, Map<string, string>>();

  constructor(title: string, columns: readonly string[]) {
    this.#title = title;
    this.#columns = columns;
  }

  /** A test and a cell. What the test returns is what the cell says; "yes" when it returns nothing. */
  case(row: string, column: string, run: () => Promise<unknown>): void {
    const cells = this.#cells.get(row) ?? new Map<string, string>();
    this.#cells.set(row, cells);
    it(row, async () => {
      const said = await run();
      cells.set(column, typeof said === "string" ? said : "yes");
    });
  }

  /** The last test of a file: the page has this table, line by line. */
  isIn(page: string): void {
    it(`docs/${page} has the table "${this.#title}" of what has passed`, () => {
      const text = readFileSync(join(import.meta.dirname, "..", "..", "docs", page), "utf8");
      assert.ok(text.includes(this.#text()), `docs/${page} does not have this table:\n${this.#text()}`);
    });
  }

  #text(): string {
    const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
    const rows = [...this.#cells].map(([row, cells]) =>
      line([row, ...this.#columns.map((column) => cells.get(column) ?? "not shown")]),
    );
    return [line([this.#title, ...this.#columns]), `|${"---|".repeat(this.#columns.length + 1)}`, ...rows].join("\n");
  }
}
