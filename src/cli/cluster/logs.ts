// logs: the log of a Backup or a Restore, as the server has put it into the store.

import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { Command } from "commander";
import type { KubeObject } from "../../api/kube-object.ts";
import { isBackupEnded } from "../../api/phases.ts";
import type { DownloadTargetKind } from "../../api/requests.ts";
import type { Output } from "../output/output.ts";
import { printable } from "../output/terminal-text.ts";
import type { ClusterContext } from "./cluster-context.ts";
import { CommandError } from "./command-error.ts";
import { addDownloadFlags, type DownloadFlags, downloadChoices, locationOf } from "./download-flags.ts";
import { readStoredFile } from "./download-request.ts";
import { type Noun, requireObject } from "./noun.ts";
import { failureReasonOf, phaseOf } from "./status-text.ts";

interface WithPhase extends KubeObject {
  readonly status?: { readonly phase?: string; readonly failureReason?: string };
}

export interface LogSource<T extends WithPhase> {
  readonly noun: Noun<T>;
  readonly kind: DownloadTargetKind;
  /** Name of the location where it lies; undefined when nobody can tell. */
  readonly locationNameOf: (object: T, context: ClusterContext) => Promise<string | undefined>;
}

export function addLogsCommand<T extends WithPhase>(
  parent: Command,
  context: ClusterContext,
  { noun, kind, locationNameOf }: LogSource<T>,
): void {
  const command = parent
    .command("logs")
    .summary(`the log of a ${noun.title}`)
    .description(`Print the log of a ${noun.title} that has ended: what was done, and every warning and error.`)
    .argument("<name>", `the ${noun.title}`);
  addDownloadFlags(command)
    .addHelpText(
      "after",
      `\nExamples:\n  stowage ${noun.word} logs NAME\n  stowage ${noun.word} logs NAME | grep level=error`,
    )
    .action(async (name: string, flags: DownloadFlags) => {
      const object = await requireObject(context, noun, name);
      requireLog(noun, object);
      const location = await locationOf(context, await locationNameOf(object, context));
      const print = (stream: Readable): Promise<true> => printLog(context.output, stream);
      const isThere = await readStoredFile(context, { kind, name, location }, await downloadChoices(flags), print);
      if (isThere === undefined) {
        throw new CommandError(
          `the store has no log of the ${noun.title} ${name}`,
          `stowage ${noun.word} describe ${name}`,
        );
      }
    });
}

/** @throws CommandError for one that has no log, or not yet */
function requireLog<T extends WithPhase>({ word, title }: Noun<T>, object: T): void {
  const { name } = object.metadata;
  const phase = phaseOf(object);
  if (phase === "FailedValidation") {
    throw new CommandError(
      `the ${title} ${name} was refused, so it has no log: ${failureReasonOf(object)}`,
      `stowage ${word} describe ${name}`,
    );
  }
  const hasLog = isBackupEnded(object) || phase.startsWith("WaitingForPluginOperations") || phase === "Deleting";
  if (!hasLog) {
    throw new CommandError(
      `the ${title} ${name} is ${phase}: its log can be read when it has ended`,
      `stowage ${word} describe ${name}  shows how far it is`,
    );
  }
}

/** Byte for byte, but on a terminal nothing in it takes effect. */
async function printLog(output: Output, stream: Readable): Promise<true> {
  if (output.isTerminal) {
    for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
      output.result(`${printable(line)}\n`);
      await output.ready();
    }
    return true;
  }
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    output.result(chunk);
    await output.ready();
  }
  return true;
}
