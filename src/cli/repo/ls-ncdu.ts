// The export format of ncdu (https://dev.yorhel.nl/ncdu/jsonfmt), version 1.2: a directory is an array whose first element
// describes it.
import { type FoundSnapshot, type ListedNode, parseTime } from "../../../repo-format/index.ts";
import type { Output } from "../output/output.ts";
import { snapshotToJson } from "./snapshot-json.ts";

const blockBytes = 512;
// Bits of Go's os.FileMode and what they are in st_mode.
const specialBits: readonly (readonly [goBit: number, statBit: number])[] = [
  [2 ** 23, 0o4000],
  [2 ** 22, 0o2000],
  [2 ** 20, 0o1000],
];

export class NcduWriter {
  readonly #output: Output;
  /** Paths of the directories that are open, one character per byte, each with a slash at its end. */
  readonly #open: string[] = [];

  constructor(output: Output) {
    this.#output = output;
  }

  begin(found: FoundSnapshot): void {
    this.#output.result(`[1, 2, ${JSON.stringify(snapshotToJson(found))}, [{"name":"/"}`);
  }

  add({ path, node }: ListedNode): void {
    const text = path.toString("latin1");
    while (this.#open.length > 0 && !text.startsWith(this.#open.at(-1) ?? "")) this.#close();
    const entry = JSON.stringify(describe(node));
    this.#output.result(`,\n${"  ".repeat(this.#open.length + 1)}${node.type === "dir" ? "[" : ""}${entry}`);
    if (node.type === "dir") this.#open.push(`${text}/`);
  }

  end(): void {
    while (this.#open.length > 0) this.#close();
    this.#output.result("\n]\n]\n");
  }

  #close(): void {
    this.#open.pop();
    this.#output.result(`\n${"  ".repeat(this.#open.length + 1)}]`);
  }
}

function describe(node: ListedNode["node"]): object {
  const special = specialBits.filter(([goBit]) => Math.floor(node.mode / goBit) % 2 === 1);
  const seconds = Number(parseTime(node.mtime).unixNs / 1_000_000_000n);
  return {
    name: node.name.toString("utf8"),
    asize: node.size,
    dsize: Math.ceil(node.size / blockBytes) * blockBytes,
    dev: Number(node.deviceId),
    ino: Number(node.inode),
    nlink: node.links,
    notreg: node.type !== "dir" && node.type !== "file",
    uid: node.uid,
    gid: node.gid,
    mode: special.reduce((mode, [, statBit]) => mode + statBit, node.mode % 0o1000),
    // ncdu takes no times before 1970.
    mtime: Math.max(0, seconds),
  };
}
