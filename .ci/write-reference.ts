// The parts of docs/reference.md that the program knows best: flags as `--help` prints them, annotations, labels, conditions
// and reasons as their tables in the code say. Each stands between `<!-- from: NAME -->` and `<!-- end -->`.
// Usage: write-reference.ts (writes the file anew; `npm run reference`)
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { conditionReasons, conditionTypes } from "../src/api/conditions.ts";

const root = join(import.meta.dirname, "..");

/** The page with each of its marked parts as the program says it now. @throws Error for a name that nobody knows */
export function renderReference(page: string): string {
  return page.replaceAll(
    /(<!-- from: ([^>]+) -->\n).*?(<!-- end -->)/gs,
    (_part, begin: string, name: string, end: string) => `${begin}\n${partOf(name)}\n\n${end}`,
  );
}

function partOf(name: string): string {
  const [, role] = /^stowage (.+) --help$/.exec(name) ?? [];
  if (role !== undefined) return `\`\`\`\n${helpOf(role)}\n\`\`\``;
  if (name === "annotations" || name === "labels") return namesTable(name);
  if (name === "conditions") return table(["condition", "on which kinds, and what it says"], conditionTypes);
  if (name === "reasons") return table(["reason", "what it says"], conditionReasons);
  throw new Error(`docs/reference.md asks for ${JSON.stringify(name)}, which nothing here can tell`);
}

function helpOf(role: string): string {
  const words = [join(root, "src", "main.ts"), ...role.split(" "), "--help"];
  return execFileSync(process.execPath, words, { encoding: "utf8" }).trimEnd();
}

function table(heads: readonly string[], rows: Readonly<Record<string, string>>): string {
  const body = Object.entries(rows).map(([word, says]) => `| \`${word}\` | ${says} |`);
  return [`| ${heads.join(" | ")} |`, "|---|---|", ...body].join("\n");
}

/** Each name with the comment that stands before it in src/api/names.ts, which begins with the kinds that carry it. */
function namesTable(which: "annotations" | "labels"): string {
  const source = readFileSync(join(root, "src", "api", "names.ts"), "utf8");
  const [, body = ""] = new RegExp(`export const ${which} = \\{\n(.*?)\n\\} as const;`, "s").exec(source) ?? [];
  const entries = [...body.matchAll(/(?:\/\*\*((?:(?!\*\/).)*)\*\/\s*)?\w+:\s*"([^"]+)"/gs)];
  const rows = entries.map(([, comment = "", name = ""]): [string, string] => [name, oneLine(comment)]);
  const silent = rows.filter(([, comment]) => comment === "").map(([name]) => name);
  if (rows.length === 0 || silent.length > 0)
    throw new Error(`src/api/names.ts: ${which} without a comment: ${silent.join(", ") || "none was found"}`);
  return table([which.slice(0, -1), "on what, and what it says"], Object.fromEntries(rows.sort()));
}

function oneLine(comment: string): string {
  return comment
    .replaceAll(/\s*\n\s*\*?\s*/g, " ")
    .trim()
    .replace(/\.$/, "");
}

if (import.meta.main) {
  const file = join(root, "docs", "reference.md");
  writeFileSync(file, renderReference(readFileSync(file, "utf8")));
}
