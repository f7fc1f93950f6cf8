// Which snapshots suffer from what a check found? A check names packs, blobs and trees; people want to know which backups
// cannot be restored whole.

import { type RepositoryError, throwIfCancelled } from "../errors.ts";
import type { BlobId, PackId, SnapshotId } from "../format/id.ts";
import type { Snapshot } from "../format/snapshot-file.ts";
import { BlobSet } from "../index/blob-set.ts";
import { type FoundSnapshot, findSnapshots } from "../repository/find-snapshots.ts";
import type { Repository } from "../repository/repository.ts";
import { type WalkedTree, walkTrees } from "../repository/walk-trees.ts";
import type { Finding, FindingCode } from "./check-findings.ts";
import { isLoss } from "./lost-data.ts";

/** Of packs with these nothing is relied on. What other findings about packs tell of can still be read. */
const lostPackCodes: ReadonlySet<FindingCode> = new Set(["pack-missing", "pack-size", "pack-unreadable"]);

/** Collects from a check's findings what cannot be read any more: hand `add` to the check as `onFinding`. */
export class DamageLog {
  readonly packs: Set<PackId> = new Set();
  /** Data blobs or trees: findings do not tell them apart. */
  readonly blobs: Set<BlobId> = new Set();
  readonly snapshots: Set<SnapshotId> = new Set();
  /** Findings of severity "error". */
  errors = 0;
  /** Of the first error. */
  firstMessage = "";
  /** Without its index nothing can be said about the snapshots. */
  isIndexDamaged = false;

  readonly add = ({ code, severity, message, packId, blobId, treeId, snapshotId }: Finding): void => {
    if (severity !== "error") return;
    if (this.errors++ === 0) this.firstMessage = message;
    if (code === "index-unreadable") this.isIndexDamaged = true;
    if (packId !== undefined && lostPackCodes.has(code)) this.packs.add(packId);
    if (blobId !== undefined && code === "blob-damaged") this.blobs.add(blobId);
    if (treeId !== undefined) this.blobs.add(treeId);
    if (snapshotId !== undefined) this.snapshots.add(snapshotId);
  };
}

/** A snapshot that cannot be restored whole. */
export interface AffectedSnapshot {
  readonly id: SnapshotId;
  /** Undefined when the snapshot's own file cannot be used. */
  readonly snapshot: Snapshot | undefined;
}

/**
 * The snapshots that lead to something damaged, newest first; those that cannot be read themselves come before them. Trees
 * that several sound snapshots share are read once. None when the index itself is damaged. The index must be loaded.
 * @throws RepositoryError when the store does not answer
 */
export async function affectedSnapshots(
  repo: Repository,
  damage: DamageLog,
  signal?: AbortSignal,
): Promise<AffectedSnapshot[]> {
  if (damage.isIndexDamaged) return [];
  const unreadable = [...damage.snapshots].map((id): AffectedSnapshot => ({ id, snapshot: undefined }));
  const found = await findSnapshots(repo, { signal, onIgnored: () => {} });
  const search = new DamageSearch(repo, damage);
  const affected: FoundSnapshot[] = [];
  for (const one of found.reverse()) {
    throwIfCancelled(signal);
    if (await search.isAffected(one, signal)) affected.push(one);
  }
  return [...unreadable, ...affected];
}

/** Ends a walk as soon as the answer is known. */
const foundDamage: Error = new Error("found damage");

class DamageSearch {
  readonly #repo: Repository;
  readonly #lost: BlobSet;
  /** Trees below which all is well. */
  #sound: BlobSet;

  constructor(repo: Repository, damage: DamageLog) {
    this.#repo = repo;
    this.#sound = new BlobSet(repo.index);
    this.#lost = new BlobSet(repo.index);
    for (const id of damage.blobs) for (const type of ["data", "tree"] as const) this.#lost.add(type, id);
    for (const { blobs } of repo.index.packs((id) => damage.packs.has(id)))
      for (const { type, id } of blobs) this.#lost.add(type, id);
  }

  async isAffected({ snapshot }: FoundSnapshot, signal: AbortSignal | undefined): Promise<boolean> {
    const seen = this.#sound.copy();
    const isGone = (id: BlobId): boolean => this.#repo.index.positionOf("data", id) < 0 || this.#lost.has("data", id);
    const visitor = {
      tree: ({ id }: WalkedTree): void => {
        if (this.#lost.has("tree", id)) throw foundDamage;
      },
      node: ({ content }: { readonly content?: readonly BlobId[] | undefined }): void => {
        if (content?.some(isGone)) throw foundDamage;
      },
      error: (error: RepositoryError): void => {
        throw isLoss(error) ? foundDamage : error;
      },
    };
    try {
      await walkTrees(this.#repo, [snapshot.tree], visitor, { seen, signal });
      this.#sound = seen;
      return false;
    } catch (error) {
      if (error === foundDamage) return true;
      throw error;
    }
  }
}
