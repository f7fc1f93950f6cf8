// One part of a repository's rolling verification: everything that describes the data, and a part of the data itself, under
// a lock that lets backups go on.
import {
  type AffectedSnapshot,
  affectedSnapshots,
  check,
  DamageLog,
  type Finding,
  type FindingCode,
  type Repository,
  shortId,
  withLock,
} from "../../../repo-format/index.ts";
import type { FoundDamage, VerifyFacts } from "../backup-repository/repository-care.ts";

export interface RepositorySlice {
  /** From 1. */
  readonly part: number;
  readonly parts: number;
}

/** A prune of another program may take a while; later is early enough. */
const lockWaitMs = 60_000;
/** It has no hurry, and the server has other things to do. */
const threads = 1;
const namedSnapshots = 20;

/** What is found by reading packs; everything else is found in every part. */
const dataCodes: ReadonlySet<FindingCode> = new Set([
  "pack-unreadable",
  "pack-hash",
  "pack-header",
  "pack-gap",
  "blob-damaged",
]);

/** @throws RepositoryError "lock-held", and the errors of a store that does not answer; damage is never thrown. */
export async function verifyRepository(
  repository: Repository,
  slice: RepositorySlice,
  signal: AbortSignal,
): Promise<VerifyFacts> {
  return await withLock(repository, { exclusive: false, retryLockMs: lockWaitMs, signal }, async (locked) => {
    let found = await look(repository, slice, locked);
    // A store that failed for a moment is no damage: what counts has been seen twice.
    if (found.structure.errors + found.data.errors > 0) found = await look(repository, slice, locked);
    return {
      structure: await describe(repository, found.structure, locked),
      data: await describe(repository, found.data, locked),
    };
  });
}

interface Look {
  readonly structure: DamageLog;
  readonly data: DamageLog;
}

async function look(repository: Repository, { part, parts }: RepositorySlice, signal: AbortSignal): Promise<Look> {
  const structure = new DamageLog();
  const data = new DamageLog();
  const onFinding = (finding: Finding): void => (dataCodes.has(finding.code) ? data : structure).add(finding);
  await check(repository, { lock: false, readData: { kind: "part", part, parts }, threads, onFinding, signal });
  return { structure, data };
}

async function describe(
  repository: Repository,
  damage: DamageLog,
  signal: AbortSignal,
): Promise<FoundDamage | undefined> {
  if (damage.errors === 0) return undefined;
  const affected = await affectedSnapshots(repository, damage, signal);
  return {
    problems: damage.errors,
    firstProblem: damage.firstMessage,
    snapshots: affected.slice(0, namedSnapshots).map(nameOf),
    snapshotCount: affected.length,
  };
}

/** "1a2b3c4d (backup nightly-1, pod db-0, volume data)", or what else the snapshot says of itself. */
function nameOf({ id, snapshot }: AffectedSnapshot): string {
  if (snapshot === undefined) return `${shortId(id)} (its own file is damaged)`;
  const tags = new Map(snapshot.tags.map((tag) => tag.split("=", 2) as [string, string | undefined]));
  const known = ["backup", "pod", "volume"].flatMap((key) =>
    tags.get(key) === undefined ? [] : `${key} ${tags.get(key)}`,
  );
  const facts = known.length > 0 ? known : [snapshot.time.slice(0, 19), ...snapshot.paths];
  return `${shortId(id)} (${facts.join(", ")})`;
}
