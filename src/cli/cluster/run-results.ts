// The results file of a Backup or a Restore: warnings and errors by place.
import { formatCount } from "../output/format-values.ts";
import type { Outline } from "../output/outline.ts";
import type { ClusterContext } from "./cluster-context.ts";
import { SilentServerError } from "./command-error.ts";
import { type DownloadChoices, readStoredJson, type StoredFile } from "./download-request.ts";
import { wordsFor } from "./report-failure.ts";

export interface Results {
  readonly velero?: readonly string[] | null;
  readonly cluster?: readonly string[] | null;
  readonly namespaces?: Readonly<Record<string, readonly string[] | null>> | null;
}

export interface RunResults {
  readonly warnings?: Results | null;
  readonly errors?: Results | null;
}

/** What a file of the store says, or why it cannot be read. */
export type FileContent<T> = { readonly content: T } | { readonly isAbsent: true } | { readonly problem: string };

/** Reads files for descriptions, which show what there is: a file that cannot be read is told and throws nothing. */
export class DescribedFiles {
  readonly #context: ClusterContext;
  readonly #choices: DownloadChoices;
  #silence: string | undefined;

  constructor(context: ClusterContext, choices: DownloadChoices) {
    this.#context = context;
    this.#choices = choices;
  }

  async read<T>(file: StoredFile): Promise<FileContent<T>> {
    if (this.#silence !== undefined) return { problem: this.#silence };
    try {
      const content = await readStoredJson<T>(this.#context, file, this.#choices);
      return content === undefined ? { isAbsent: true } : { content };
    } catch (error) {
      const problem = wordsFor(error, this.#context);
      if (problem === undefined || this.#context.signal.aborted) throw error;
      if (error instanceof SilentServerError) this.#silence = problem;
      return { problem };
    }
  }
}

/** The part that is there; undefined for an absent file and one that cannot be read. */
export function contentOf<T>(file: FileContent<T> | undefined): T | undefined {
  return file !== undefined && "content" in file ? file.content : undefined;
}

/** Why it cannot be read; undefined when it could, or when the store has no such file. */
export function problemOf(file: FileContent<unknown> | undefined): string | undefined {
  return file !== undefined && "problem" in file ? file.problem : undefined;
}

export interface Counts {
  readonly errors?: number;
  readonly warnings?: number;
}

/** Errors first: they are why somebody looks. Nothing at all when there are neither. */
export function describeResults(outline: Outline, counts: Counts, file: FileContent<RunResults> | undefined): void {
  const results = contentOf(file);
  for (const [title, count, found] of [
    ["Errors", counts.errors ?? 0, results?.errors],
    ["Warnings", counts.warnings ?? 0, results?.warnings],
  ] as const) {
    if (count === 0) continue;
    outline.gap();
    if (found === undefined || found === null) {
      outline.field(title, `${count}${because(file)}`);
      continue;
    }
    outline.section(title, () => {
      outline.list("Velero", found.velero ?? []);
      outline.list("Cluster", found.cluster ?? []);
      const namespaces = Object.entries(found.namespaces ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
      if (namespaces.length === 0) outline.field("Namespaces", "<none>");
      else
        outline.section("Namespaces", () => {
          for (const [namespace, messages] of namespaces) outline.list(namespace, messages ?? []);
        });
    });
  }
}

function because(file: FileContent<unknown> | undefined): string {
  const problem = problemOf(file);
  if (problem !== undefined) return ` (cannot show them: ${problem.split("\n")[0]})`;
  return file === undefined ? "" : " (the store has no list of them)";
}

/** By kind, each with its objects. */
export function describeResourceList(
  outline: Outline,
  file: FileContent<Readonly<Record<string, readonly string[]>>> | undefined,
): void {
  if (file === undefined) return;
  outline.gap();
  const list = contentOf(file);
  const problem = problemOf(file);
  if (list === undefined) {
    outline.field("Resource List", problem === undefined ? "<not in the store>" : `<${problem.split("\n")[0]}>`);
    return;
  }
  outline.section("Resource List", () => {
    for (const [kind, names] of Object.entries(list).sort(([a], [b]) => (a < b ? -1 : 1))) {
      outline.section(`${kind} (${formatCount(names.length, "object")})`, () => {
        for (const name of names) outline.line(`- ${name}`);
      });
    }
  });
}
