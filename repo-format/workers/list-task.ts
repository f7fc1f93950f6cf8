// In the worker: directories of the source are listed before the walk comes to them (archiver/listing-ahead.ts), so that it
// need not wait for the kernel and the disk.
import { RepositoryError } from "../errors.ts";
import { DirectoryLister, type ListingColumns } from "../file-tree/directory-lister.ts";
import { ExcludedPaths } from "../file-tree/excluded-paths.ts";
import type { ListRequest, RunTicket } from "./messages.ts";

export class ListTask {
  #lister: DirectoryLister | undefined;
  /** Of the run that asked last: patterns are compiled once. */
  #excluded: { readonly run: number; readonly paths: ExcludedPaths } | undefined;

  list(run: RunTicket, { roots, excludes, entries, attributesFromNs }: ListRequest): ListingColumns {
    this.#lister ??= DirectoryLister.create();
    if (this.#lister === undefined) throw new RepositoryError("worker-failed", "this thread has no libc to list with");
    if (this.#excluded?.run !== run.number) this.#excluded = { run: run.number, paths: new ExcludedPaths(excludes) };
    const { paths } = this.#excluded;
    const cancelled = new Int32Array(run.cancelled);
    return this.#lister.list(roots, {
      entries,
      attributesFromNs,
      isExcluded: (path) => paths.has(path),
      isCancelled: () => Atomics.load(cancelled, 0) !== 0,
    });
  }
}

/** Memory that may change hands with the columns. */
export function memoryOf(columns: ListingColumns): ArrayBuffer[] {
  const { names, nameEnds, stats, withoutAttributes, children, starts, roots } = columns;
  const all = [names, nameEnds, stats, withoutAttributes, children, starts, roots];
  return all.map((column) => column.buffer as ArrayBuffer);
}
