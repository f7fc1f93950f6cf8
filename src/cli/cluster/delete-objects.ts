// What the delete verbs share: which objects, whether a person agrees, and one after the other.
import type { Command } from "commander";
import type { KubeObject } from "../../api/kube-object.ts";
import { exitCodes } from "../exit-codes.ts";
import type { ClusterContext } from "./cluster-context.ts";
import { CommandError } from "./command-error.ts";
import type { Noun } from "./noun.ts";
import { wordsFor } from "./report-failure.ts";
import { addSelectionFlags, type SelectionFlags, selectedObjects } from "./selected-objects.ts";

export interface DeleteFlags extends SelectionFlags {
  readonly confirm?: boolean;
}

export interface DeleteTexts {
  readonly summary: string;
  readonly about: string;
  /** What goes with it, for the question: "their data in the store are removed". */
  readonly consequence: string;
}

/** @returns the command, without its action */
export function addDeleteFlags<T extends KubeObject>(parent: Command, noun: Noun<T>, texts: DeleteTexts): Command {
  const command = parent.command("delete").summary(texts.summary).description(texts.about);
  return addSelectionFlags(command, noun)
    .option("--confirm", "do not ask first")
    .addHelpText(
      "after",
      `
Examples:
  stowage ${noun.word} delete NAME
  stowage ${noun.word} delete NAME OTHER --confirm
  stowage ${noun.word} delete --selector team=web`,
    );
}

export interface Deletion<T extends KubeObject> {
  readonly noun: Noun<T>;
  readonly names: readonly string[];
  readonly flags: DeleteFlags;
  readonly consequence: string;
  readonly deleteOne: (object: T) => Promise<void>;
}

/** Deletes what is selected once somebody agrees; one that fails does not keep the others. */
export async function deleteObjects<T extends KubeObject>(
  context: ClusterContext,
  { noun, names, flags, consequence, deleteOne }: Deletion<T>,
): Promise<void> {
  const found = await selectedObjects(context, noun, { ...flags, names });
  if (found === undefined) return;
  if (flags.confirm !== true) await askFirst(context, { noun, objects: found, consequence });
  for (const object of found) {
    try {
      await deleteOne(object);
    } catch (error) {
      const words = wordsFor(error, context);
      if (words === undefined || context.signal.aborted) throw error;
      if (found.length > 1) context.output.warn(words);
      context.fail(exitCodes.failure, found.length > 1 ? `not all of these ${noun.title}s were deleted` : words);
    }
  }
}

async function askFirst<T extends KubeObject>(
  context: ClusterContext,
  { noun, objects, consequence }: { noun: Noun<T>; objects: readonly T[]; consequence: string },
): Promise<void> {
  const names = objects.map(({ metadata }) => metadata.name).join(", ");
  const question = `Delete ${objects.length === 1 ? `the ${noun.title}` : `${objects.length} ${noun.title}s`}: ${names}\n${consequence}\nSure? (y/N) `;
  const answer = await context.ask(question);
  if (/^y(es)?$/i.test(answer?.trim() ?? "")) return;
  if (answer === undefined)
    throw new CommandError("nobody agreed to the deletion, and nothing was deleted", "--confirm");
  throw new CommandError("nothing was deleted", "answer y, or give --confirm");
}

/** Deletes an object of the cluster, and nothing else. */
export async function deleteFromCluster<T extends KubeObject>(
  context: ClusterContext,
  noun: Noun<T>,
  object: T,
): Promise<void> {
  const { client, signal } = context;
  await client.delete(noun.resource, context.address(object.metadata.name), { signal });
}
