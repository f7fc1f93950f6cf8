// describe: all that is known of an object, for people; with -o json or yaml the same for scripts.
import type { Command } from "commander";
import type { KubeObject } from "../../api/kube-object.ts";
import { exitCodes } from "../exit-codes.ts";
import { Outline } from "../output/outline.ts";
import type { ClusterContext } from "./cluster-context.ts";
import { addDownloadFlags, type DownloadFlags, downloadChoices } from "./download-flags.ts";
import { wordParser } from "./flag-values.ts";
import { findObjects, type Noun, sayNothingFound } from "./noun.ts";
import { encode } from "./object-output.ts";
import { DescribedFiles } from "./run-results.ts";

interface DescribeFlags extends DownloadFlags {
  readonly selector?: string;
  readonly details?: boolean;
  readonly output: (typeof formats)[number];
}

const formats = ["plaintext", "json", "yaml"] as const;

export interface DescribeOptions {
  readonly details: boolean;
  readonly files: DescribedFiles;
}

/** @param F what is known of an object beyond the object itself. */
export interface Describer<T extends KubeObject, F extends object> {
  readonly noun: Noun<T>;
  /** What --details adds; undefined when it adds nothing. */
  readonly details?: string;
  readonly gather: (context: ClusterContext, object: T, options: DescribeOptions) => Promise<F>;
  readonly describe: (
    outline: Outline,
    object: T,
    facts: F & { readonly nowMs: number; readonly details: boolean },
  ) => void;
  /** Files that should be there and could not be read, as sentences. */
  readonly missing: (facts: F) => readonly string[];
}

export function addDescribeCommand<T extends KubeObject, F extends object>(
  parent: Command,
  context: ClusterContext,
  describer: Describer<T, F>,
): void {
  const { noun } = describer;
  const command = parent
    .command("describe")
    .summary(`all that is known of ${noun.title}s`)
    .description(`Show all that is known of ${noun.title}s: those that are named, those with certain labels, or all.`)
    .argument("[names...]", "these only")
    .option("-l, --selector <selector>", "those with these labels, such as app=web,tier!=cache")
    .option("-o, --output <format>", formats.join(", "), wordParser("--output", formats), "plaintext" as const);
  if (describer.details !== undefined) command.option("--details", describer.details);
  addDownloadFlags(command)
    .addHelpText(
      "after",
      `\nExamples:\n  stowage ${noun.word} describe NAME${describer.details === undefined ? "" : " --details"}\n  stowage ${noun.word} describe NAME -o json`,
    )
    .action((names: string[], flags: DescribeFlags) => run(context, describer, names, flags));
}

async function run<T extends KubeObject, F extends object>(
  context: ClusterContext,
  describer: Describer<T, F>,
  names: readonly string[],
  flags: DescribeFlags,
): Promise<void> {
  const { noun } = describer;
  const { output } = context;
  const found = await findObjects(context, noun, { names, selector: flags.selector });
  const options = { details: flags.details === true, files: new DescribedFiles(context, await downloadChoices(flags)) };
  const isText = flags.output === "plaintext";
  if (found.length === 0 && isText) return sayNothingFound(context, noun);
  const documents: object[] = [];
  for (const [index, object] of found.entries()) {
    const facts = await describer.gather(context, object, options);
    for (const words of describer.missing(facts)) context.fail(exitCodes.incomplete, words);
    if (isText) {
      const outline = new Outline();
      describer.describe(outline, object, { ...facts, nowMs: context.now(), details: options.details });
      output.result(`${index > 0 ? "\n\n" : ""}${outline.text()}`);
      await output.ready();
    } else {
      documents.push({ [noun.word === "backup-location" ? "location" : noun.word]: object, ...facts });
    }
  }
  if (flags.output !== "plaintext") {
    output.result(await encode(flags.output, documents.length === 1 ? (documents[0] ?? {}) : { items: documents }));
  }
}
