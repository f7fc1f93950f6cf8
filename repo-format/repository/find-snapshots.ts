// Chooses snapshots: by host, tags and paths, by id or unique prefix, or as "latest".

import { resolve } from "node:path";
import { RepositoryError } from "../errors.ts";
import { isId, type SnapshotId } from "../format/id.ts";
import type { Snapshot } from "../format/snapshot-file.ts";
import { parseTime } from "../format/time.ts";
import { boundedParallel } from "./bounded-parallel.ts";
import type { Repository } from "./repository.ts";

/** A snapshot with its id. */
export interface FoundSnapshot {
  readonly id: SnapshotId;
  readonly snapshot: Snapshot;
}

/** Which snapshots are meant; every condition that is given must hold. */
export interface SnapshotFilter {
  /** One of these hosts; empty = any. */
  readonly hosts?: readonly string[] | undefined;
  /** All tags of at least one list; "" in a list stands for a snapshot without tags; empty = any. */
  readonly tags?: readonly (readonly string[])[] | undefined;
  /** All of these paths; empty = any. For `latest` they may be relative to the working directory. */
  readonly paths?: readonly string[] | undefined;
}

/** `id`, or `latest`, with the part behind the colon of `<id>:<subfolder>`; "" when there is none. */
export interface ResolvedSnapshot extends FoundSnapshot {
  readonly subfolder: string;
}

export interface FindSnapshotsOptions extends SnapshotFilter {
  /** Ids, unique prefixes or "latest"; when given, the filter only serves "latest". */
  readonly ids?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called for each id or stored snapshot that cannot be used; without it the first error is thrown. */
  readonly onIgnored?: ((what: string, error: unknown) => void) | undefined;
}

export function isEmptyFilter(filter: SnapshotFilter): boolean {
  return !filter.hosts?.length && !filter.tags?.length && !filter.paths?.length;
}

function matchesFilter(snapshot: Snapshot, filter: SnapshotFilter): boolean {
  const { hosts, tags, paths } = filter;
  if (hosts?.length && !hosts.includes(snapshot.hostname)) return false;
  if (tags?.length && !tags.some((list) => hasTags(snapshot.tags, list))) return false;
  return paths === undefined || paths.every((path) => snapshot.paths.includes(path));
}

/** True when the snapshot has all tags of the list; the empty tag, or list, stands for "has no tags at all". */
export function hasTags(snapshotTags: readonly string[], list: readonly string[]): boolean {
  if (list.length === 0) return snapshotTags.length === 0;
  for (const tag of list) {
    if (tag === "" && snapshotTags.length === 0) return true;
    if (!snapshotTags.includes(tag)) return false;
  }
  return true;
}

/** Oldest first; snapshots of the same instant by id, so that the order never depends on the store's listing. */
function compareByTime(a: FoundSnapshot, b: FoundSnapshot): number {
  const left = parseTime(a.snapshot.time).unixNs;
  const right = parseTime(b.snapshot.time).unixNs;
  if (left !== right) return left < right ? -1 : 1;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/**
 * The chosen snapshots, oldest first (by id: in the order asked for, each once).
 * @throws RepositoryError "snapshot-missing", "snapshot-ambiguous", or what loading a snapshot throws.
 */
export async function findSnapshots(repo: Repository, options: FindSnapshotsOptions = {}): Promise<FoundSnapshot[]> {
  if (options.ids?.length) return await findByIds(repo, options.ids, options);
  const found: FoundSnapshot[] = [];
  for await (const one of loadAll(repo, options)) if (matchesFilter(one.snapshot, options)) found.push(one);
  return found.sort(compareByTime);
}

/** Every snapshot that can be read; those that cannot are reported, or thrown when nobody listens. */
async function* loadAll(repo: Repository, options: FindSnapshotsOptions): AsyncGenerator<FoundSnapshot> {
  const { onIgnored, signal } = options;
  const load = async (id: SnapshotId): Promise<FoundSnapshot | undefined> => {
    try {
      return { id, snapshot: await repo.loadSnapshot(id, signal) };
    } catch (error) {
      // Another program removed it meanwhile.
      if (RepositoryError.is(error, "snapshot-missing")) return undefined;
      if (onIgnored === undefined || signal?.aborted) throw error;
      onIgnored(id, error);
      return undefined;
    }
  };
  const ids: SnapshotId[] = [];
  for await (const { id } of repo.list("snapshot", signal)) ids.push(id as SnapshotId);
  for await (const found of boundedParallel(ids, { limit: repo.storage.connections, signal }, load)) {
    if (found !== undefined) yield found;
  }
}

async function findByIds(
  repo: Repository,
  ids: readonly string[],
  options: FindSnapshotsOptions,
): Promise<FoundSnapshot[]> {
  const found = new Map<SnapshotId, FoundSnapshot>();
  for (const text of new Set(ids)) {
    try {
      if (text.includes(":")) {
        throw new RepositoryError("argument-invalid", `"${text}": <snapshot>:<subfolder> is not allowed here`);
      }
      const { id, snapshot } = await resolveSnapshot(repo, text, options);
      if (!found.has(id)) found.set(id, { id, snapshot });
    } catch (error) {
      if (options.onIgnored === undefined || options.signal?.aborted) throw error;
      options.onIgnored(text, error);
    }
  }
  if (!ids.includes("latest") && !isEmptyFilter(options)) {
    options.onIgnored?.("filters", new RepositoryError("argument-invalid", "explicit snapshot ids are given"));
  }
  return [...found.values()];
}

/**
 * Finds the one snapshot that a user names.
 * @param text `latest`, an id or a unique prefix of one, each with an optional `:<subfolder>`.
 * @param filter narrows `latest`; not used for ids.
 * @throws RepositoryError "snapshot-missing", "snapshot-ambiguous", "argument-invalid".
 */
export async function resolveSnapshot(
  repo: Repository,
  text: string,
  filter: SnapshotFilter & { readonly signal?: AbortSignal | undefined } = {},
): Promise<ResolvedSnapshot> {
  const colon = text.indexOf(":");
  const name = colon === -1 ? text : text.slice(0, colon);
  const subfolder = colon === -1 ? "" : text.slice(colon + 1);
  if (name === "latest") return { ...(await findLatest(repo, filter)), subfolder };
  const id = isId(name) ? (name as SnapshotId) : await findByPrefix(repo, name, filter.signal);
  return { id, snapshot: await repo.loadSnapshot(id, filter.signal), subfolder };
}

async function findByPrefix(repo: Repository, prefix: string, signal: AbortSignal | undefined): Promise<SnapshotId> {
  if (prefix === "") throw new RepositoryError("argument-invalid", "the snapshot's id is empty");
  const matches: string[] = [];
  for await (const { id } of repo.list("snapshot", signal)) {
    if (id.startsWith(prefix)) matches.push(id);
  }
  const [first] = matches;
  if (first === undefined) {
    throw new RepositoryError("snapshot-missing", `no snapshot's id begins with "${prefix}"`, { details: { prefix } });
  }
  if (matches.length > 1) {
    throw new RepositoryError("snapshot-ambiguous", `${matches.length} snapshots' ids begin with "${prefix}"`, {
      details: { prefix, matches: matches.length },
    });
  }
  return first as SnapshotId;
}

async function findLatest(
  repo: Repository,
  filter: SnapshotFilter & { readonly signal?: AbortSignal | undefined },
): Promise<FoundSnapshot> {
  let latest: FoundSnapshot | undefined;
  // Here, and only here, restic takes paths that are relative or not clean.
  const cleaned = { ...filter, paths: filter.paths?.map((path) => resolve(path)) };
  for await (const candidate of loadAll(repo, { signal: filter.signal })) {
    if (!matchesFilter(candidate.snapshot, cleaned)) continue;
    if (latest === undefined || compareByTime(latest, candidate) < 0) latest = candidate;
  }
  if (latest !== undefined) return latest;
  const criteria = [
    ...(filter.hosts?.length ? [`host ${filter.hosts.join(" or ")}`] : []),
    ...(filter.tags?.length ? [`tags ${filter.tags.map((list) => list.join(",")).join(" or ")}`] : []),
    ...(filter.paths?.length ? [`path ${filter.paths.join(" and ")}`] : []),
  ].join(", ");
  throw new RepositoryError(
    "snapshot-missing",
    criteria === "" ? "the repository holds no snapshot" : `no snapshot has ${criteria}`,
  );
}
