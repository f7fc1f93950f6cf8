// A kind of resource as the command line speaks of it: its words, its columns, and how it is described.
import type { KubeObject, Resource } from "../../api/kube-object.ts";
import { UsageError } from "../usage-error.ts";
import type { ClusterContext } from "./cluster-context.ts";
import { CommandError } from "./command-error.ts";

export interface Column<T> {
  readonly title: string;
  readonly cell: (object: T, nowMs: number) => string;
  /** Shown by -o wide only. */
  readonly isWide?: true;
}

export interface Noun<T extends KubeObject> {
  /** "backup", "backup-location": the word of the command line. */
  readonly word: string;
  /** "backup storage location": in sentences. */
  readonly title: string;
  readonly resource: Resource<T>;
  readonly columns: readonly Column<T>[];
  /** Order of a table's rows; by name when absent. */
  readonly compare?: (a: T, b: T) => number;
}

/** The object of that name. @throws CommandError that says where to look when there is none */
export async function requireObject<T extends KubeObject>(
  context: ClusterContext,
  noun: Noun<T>,
  name: string,
): Promise<T> {
  const { client, signal, namespace } = context;
  const found = await client.find(noun.resource, context.address(name), { signal });
  if (found !== undefined) return found;
  throw new CommandError(
    `there is no ${noun.title} "${name}" in namespace ${namespace}`,
    `stowage ${noun.word} get  shows what is there; --namespace chooses another namespace`,
  );
}

export interface Selection {
  readonly names: readonly string[];
  readonly selector?: string | undefined;
}

/** The objects of these names, in their order, or else all that the selector matches, sorted. */
export async function findObjects<T extends KubeObject>(
  context: ClusterContext,
  noun: Noun<T>,
  { names, selector }: Selection,
): Promise<T[]> {
  if (names.length > 0 && selector !== undefined) throw new UsageError("give names or --selector, not both");
  const found: T[] = [];
  for (const name of names) found.push(await requireObject(context, noun, name));
  if (names.length > 0) return found;
  const { client, signal, namespace } = context;
  const { items } = await client.list(noun.resource, { namespace, labelSelector: selector, signal });
  return [...items].sort(noun.compare ?? byName);
}

/** Says on standard error that there is nothing, as kubectl does: the answer itself is empty. */
export function sayNothingFound<T extends KubeObject>(context: ClusterContext, { title }: Noun<T>): void {
  context.output.warn(`no ${title}s found in namespace ${context.namespace}`);
}

export function byName(a: KubeObject, b: KubeObject): number {
  return a.metadata.name < b.metadata.name ? -1 : 1;
}
