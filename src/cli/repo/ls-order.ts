// The orders in which `ls` can list: restic's names and its ties, which are broken by path.
import { type ListedNode, parseTime } from "../../../repo-format/index.ts";
import { UsageError } from "../usage-error.ts";

const orders = ["name", "size", "mtime", "atime", "ctime", "extension"] as const;

export type SortOrder = (typeof orders)[number];

/** @throws UsageError for a word that is no order */
export function parseSortOrder(text: string): SortOrder {
  const order = orders.find((name) => name === (text === "time" ? "mtime" : text));
  if (order === undefined) throw new UsageError(`--sort ${text}: choose name, size, time, atime, ctime or extension`);
  return order;
}

/** A sorted copy; "name" is the order of the listing itself. */
export function inOrder(listed: readonly ListedNode[], order: SortOrder, isReversed: boolean): ListedNode[] {
  const keyed = listed.map((one) => ({ one, key: keyOf(one, order) }));
  if (order !== "name")
    keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : Buffer.compare(a.one.path, b.one.path)));
  const sorted = keyed.map(({ one }) => one);
  return isReversed ? sorted.reverse() : sorted;
}

function keyOf({ path, node }: ListedNode, order: SortOrder): number | bigint | string {
  if (order === "size") return node.size;
  if (order === "extension") return extensionOf(path.toString("latin1"));
  return order === "name" ? 0 : parseTime(node[order]).unixNs;
}

/** What follows the last dot of the last name, with the dot, as Go sees it: ".profile" is all extension. */
function extensionOf(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const dot = name.lastIndexOf(".");
  return dot === -1 ? "" : name.slice(dot);
}
