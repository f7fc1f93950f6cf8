// Descriptions for people: labels with values in aligned blocks, indented sections, empty lines between them. Text of unknown
// origin cannot reach the terminal as anything but text.
import { printable } from "./terminal-text.ts";

interface Line {
  readonly depth: number;
  readonly label: string;
  /** Undefined: a heading or an item, which has nothing to align. */
  readonly value: string | undefined;
}

const indent = "  ";

export class Outline {
  readonly #lines: (Line | undefined)[] = [];
  #depth = 0;

  /** "Label:   value"; the values of neighbours stand below each other. */
  field(label: string, value: string | number | boolean): this {
    this.#lines.push({ depth: this.#depth, label: `${label}:`, value: String(value) });
    return this;
  }

  /** A heading with lines below it. */
  section(label: string, fill: () => void): this {
    this.#lines.push({ depth: this.#depth, label: `${label}:`, value: undefined });
    this.#depth++;
    fill();
    this.#depth--;
    return this;
  }

  /** One line of its own, such as an item of a list. */
  line(text: string): this {
    this.#lines.push({ depth: this.#depth, label: text, value: undefined });
    return this;
  }

  /** A heading with one item a line, or "<none>" beside it. */
  list(label: string, items: readonly string[]): this {
    if (items.length === 0) return this.field(label, "<none>");
    return this.section(label, () => {
      for (const item of items) this.line(item);
    });
  }

  /** Several values in one field, or `absent`. */
  words(label: string, words: readonly string[] | null | undefined, absent = "<none>"): this {
    return this.field(label, words === null || words === undefined || words.length === 0 ? absent : words.join(", "));
  }

  /** An empty line, unless there is one already or nothing stands above. */
  gap(): this {
    if (this.#lines.length > 0 && this.#lines.at(-1) !== undefined) this.#lines.push(undefined);
    return this;
  }

  /** The whole text; ends with a newline. */
  text(): string {
    return `${this.#lines.map((line, index) => this.#layOut(line, index)).join("\n")}\n`;
  }

  #layOut(line: Line | undefined, index: number): string {
    if (line === undefined) return "";
    const margin = indent.repeat(line.depth);
    if (line.value === undefined) return margin + shown(line.label, margin);
    const label = printable(line.label).padEnd(this.#widthAround(index));
    const [first = "", ...more] = line.value.split("\n");
    // What has several lines goes on below its first one.
    const rest = more.map((text) => `\n${margin}${" ".repeat(label.length)}${indent}${printable(text)}`);
    return `${margin}${label}${indent}${printable(first)}`.trimEnd() + rest.join("");
  }

  /** Width of the widest label among the fields of the same depth without anything between them. */
  #widthAround(index: number): number {
    const { depth } = this.#lines[index] as Line;
    const belongs = (line: Line | undefined): boolean => line?.depth === depth && line.value !== undefined;
    let first = index;
    while (belongs(this.#lines[first - 1])) first--;
    let width = 0;
    for (let at = first; belongs(this.#lines[at]); at++) {
      width = Math.max(width, printable(this.#lines[at]?.label ?? "").length);
    }
    return width;
  }
}

function shown(text: string, margin: string): string {
  return text.split("\n").map(printable).join(`\n${margin}${indent}`);
}
