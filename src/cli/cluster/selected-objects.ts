// Which objects a verb acts on: those that are named, --all, or those with certain labels; exactly one of the three.
import type { Command } from "commander";
import type { KubeObject } from "../../api/kube-object.ts";
import { UsageError } from "../usage-error.ts";
import type { ClusterContext } from "./cluster-context.ts";
import { findObjects, type Noun, sayNothingFound } from "./noun.ts";

export interface SelectionFlags {
  readonly all?: boolean;
  readonly selector?: string;
}

export function addSelectionFlags<T extends KubeObject>(command: Command, { title }: Noun<T>): Command {
  return command
    .argument("[names...]", "these")
    .option("--all", `all ${title}s of the namespace`)
    .option("-l, --selector <selector>", "those with these labels, such as app=web,tier!=cache");
}

/** Undefined, and said, when there is none. @throws UsageError when it is not clear which are meant */
export async function selectedObjects<T extends KubeObject>(
  context: ClusterContext,
  noun: Noun<T>,
  { names, all, selector }: SelectionFlags & { readonly names: readonly string[] },
): Promise<readonly T[] | undefined> {
  const ways = [names.length > 0, all === true, selector !== undefined].filter(Boolean).length;
  if (ways !== 1) throw new UsageError(`say which ${noun.title}s: their names, or --all, or --selector`);
  const found = await findObjects(context, noun, { names, selector });
  if (found.length > 0) return found;
  sayNothingFound(context, noun);
  return undefined;
}
