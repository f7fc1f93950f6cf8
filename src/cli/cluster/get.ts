// get: what is there, as a table, or as JSON or YAML for scripts.
import type { Command } from "commander";
import type { KubeObject } from "../../api/kube-object.ts";
import { formatColumns } from "../output/columns.ts";
import type { ClusterContext } from "./cluster-context.ts";
import { parseList, wordParser } from "./flag-values.ts";
import { type Column, findObjects, type Noun, sayNothingFound } from "./noun.ts";
import { encodeObjects } from "./object-output.ts";

export interface GetFlags {
  readonly selector?: string;
  readonly output: "table" | "wide" | "json" | "yaml" | "name";
  readonly showLabels?: boolean;
  readonly labelColumns?: readonly string[];
}

const formats = ["table", "wide", "json", "yaml", "name"] as const;

/** @param keep leaves out what a noun's own flags do not want. */
export function addGetCommand<T extends KubeObject>(
  parent: Command,
  context: ClusterContext,
  noun: Noun<T>,
  keep: (object: T, flags: Readonly<Record<string, unknown>>) => boolean = () => true,
): Command {
  return parent
    .command("get")
    .summary(`list ${noun.title}s`)
    .description(`List ${noun.title}s: all of them, those that are named, or those with certain labels.`)
    .argument("[names...]", "these only")
    .option("-l, --selector <selector>", "those with these labels, such as app=web,tier!=cache")
    .option("-o, --output <format>", `${formats.join(", ")}`, wordParser("--output", formats), "table" as const)
    .option("--show-labels", "all labels in the last column")
    .option("-L, --label-columns <labels>", "a column for each of these labels", parseList)
    .addHelpText(
      "after",
      `
Examples:
  stowage ${noun.word} get
  stowage ${noun.word} get -o wide --selector team=web
  stowage ${noun.word} get NAME -o yaml`,
    )
    .action(async (names: string[], flags: GetFlags) => {
      const found = (await findObjects(context, noun, { names, selector: flags.selector })).filter((object) =>
        keep(object, { ...flags }),
      );
      await show(found, flags, { context, noun });
    });
}

async function show<T extends KubeObject>(
  found: readonly T[],
  flags: GetFlags,
  { context, noun }: { readonly context: ClusterContext; readonly noun: Noun<T> },
): Promise<void> {
  const { output } = context;
  if (flags.output === "json" || flags.output === "yaml") {
    return output.result(await encodeObjects(flags.output, noun.resource, found));
  }
  if (found.length === 0) return sayNothingFound(context, noun);
  if (flags.output === "name") return output.result(found.map(({ metadata }) => `${metadata.name}\n`).join(""));
  output.result(objectTable(found, [...columnsOf(noun, flags)], context.now()));
}

/** The table of objects as text. */
function objectTable<T extends KubeObject>(
  objects: readonly T[],
  columns: readonly Column<T>[],
  nowMs: number,
): string {
  return formatColumns(
    columns.map(({ title }) => title),
    objects.map((object) => columns.map(({ cell }) => cell(object, nowMs))),
  );
}

function* columnsOf<T extends KubeObject>(noun: Noun<T>, flags: GetFlags): Generator<Column<T>> {
  yield { title: "Name", cell: ({ metadata }) => metadata.name };
  for (const column of noun.columns) if (column.isWide !== true || flags.output === "wide") yield column;
  for (const label of flags.labelColumns ?? []) {
    yield { title: label.slice(label.lastIndexOf("/") + 1), cell: ({ metadata }) => metadata.labels?.[label] ?? "" };
  }
  if (flags.showLabels === true) yield { title: "Labels", cell: ({ metadata }) => pairs(metadata.labels) };
}

/** "key=value,other=value", or "<none>". */
function pairs(record: Readonly<Record<string, string>> | undefined): string {
  const all = Object.entries(record ?? {}).map(([key, value]) => `${key}=${value}`);
  return all.length === 0 ? "<none>" : all.join(",");
}
