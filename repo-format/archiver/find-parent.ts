// Chooses the snapshot whose unchanged files need not be read again. Only an optimisation: a wrong choice costs reading.
import { RepositoryError } from "../errors.ts";
import type { SnapshotId } from "../format/id.ts";
import type { Snapshot } from "../format/snapshot-file.ts";
import { parseTime, type TimeText } from "../format/time.ts";
import type { SeenRepository } from "../repository/locked-view.ts";
import type { ParentQuery } from "./archive-options.ts";

export interface ParentSnapshot {
  readonly id: SnapshotId;
  readonly snapshot: Snapshot;
}

export interface FindParentOptions extends ParentQuery {
  readonly hostname: string;
  readonly paths: readonly string[];
  readonly tags: readonly string[];
  /** Later snapshots are not looked at. */
  readonly notAfter: TimeText;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The latest snapshot that fits: with `tagLists`, one with all tags of the first list that any snapshot has (velero's
 * `pvc-uid=…`, then `ns=…` with `volume=…`); else one of our group, with at least our paths.
 * @throws RepositoryError "snapshot-missing" when there is none and `isRequired` asks for one
 */
export async function findParent(
  repo: Pick<SeenRepository, "snapshots">,
  options: FindParentOptions,
): Promise<ParentSnapshot | undefined> {
  const limit = parseTime(options.notAfter).unixNs;
  const fits = options.tagLists === undefined ? [groupTest(options)] : options.tagLists.map(tagTest);
  const best: ({ found: ParentSnapshot; time: bigint } | undefined)[] = fits.map(() => undefined);
  for await (const found of repo.snapshots(options.signal)) {
    const time = parseTime(found.snapshot.time).unixNs;
    if (time > limit) continue;
    for (const [rank, isFit] of fits.entries()) {
      const so = best[rank];
      if (!isFit(found.snapshot)) continue;
      // Of two with the same time the larger id wins, so that the choice does not depend on the listing's order.
      if (so === undefined || time > so.time || (time === so.time && found.id > so.found.id))
        best[rank] = { found, time };
    }
  }
  const chosen = best.find((candidate) => candidate !== undefined)?.found;
  if (chosen === undefined && options.isRequired === true)
    throw new RepositoryError("snapshot-missing", "no snapshot of the same group is there as a parent");
  return chosen;
}

/**
 * The snapshot with this id.
 * @returns undefined when it is gone: a parent is never worth failing for.
 */
export async function loadParent(
  repo: Pick<SeenRepository, "loadSnapshot">,
  id: SnapshotId,
  signal?: AbortSignal,
): Promise<ParentSnapshot | undefined> {
  try {
    return { id, snapshot: await repo.loadSnapshot(id, signal) };
  } catch (error) {
    if (RepositoryError.is(error, "snapshot-missing") || RepositoryError.is(error, "snapshot-malformed"))
      return undefined;
    throw error;
  }
}

function groupTest(options: FindParentOptions): (snapshot: Snapshot) => boolean {
  const { groupBy = ["host", "paths"], hostname, paths, tags } = options;
  return (snapshot) =>
    (!groupBy.includes("host") || snapshot.hostname === hostname) &&
    (!groupBy.includes("paths") || paths.every((path) => snapshot.paths.includes(path))) &&
    (!groupBy.includes("tags") || tags.every((tag) => snapshot.tags.includes(tag)));
}

function tagTest(tags: readonly string[]): (snapshot: Snapshot) => boolean {
  return (snapshot) => tags.length > 0 && tags.every((tag) => snapshot.tags.includes(tag));
}
