// The engine's front door: everything that other folders may use. A backup is `openRepository`, `withLock`, `archive`; a
// restore is `openRepository`, `withLock`, `restore`.
export { archive } from "./archiver/archive.ts";
export type {
  ArchivedItem,
  ArchiveOptions,
  ArchiveProgress,
  ArchiveResult,
  ItemWarning,
  ParentQuery,
} from "./archiver/archive-options.ts";
export type { ArchiveReport } from "./archiver/archive-report.ts";
export type { ExcludeOptions } from "./archiver/excludes.ts";
export type { CompressionMode } from "./compression/zstd.ts";
export { type ErrorCode, type ErrorDetails, errorPolicies, RepositoryError, throwIfCancelled } from "./errors.ts";
export { expandGlob } from "./file-tree/expand-glob.ts";
export { compilePatterns } from "./file-tree/patterns.ts";
export type { BlobId, Id, KeyId, PackId, SnapshotId } from "./format/id.ts";
export { isId, shortId } from "./format/id.ts";
export type { Node } from "./format/node.ts";
export { encodeSnapshot, type Snapshot, type SnapshotSummary } from "./format/snapshot-file.ts";
export { formatTime, parseTime, type TimeText } from "./format/time.ts";
export { blobsOfPacks } from "./inspect/blobs-of-packs.ts";
export { type CatKind, cat, catKinds, isBinary } from "./inspect/cat.ts";
export { type DiffCounts, type DiffOptions, type DiffStatistics, diff, type SnapshotChange } from "./inspect/diff.ts";
export { dumpFile } from "./inspect/dump.ts";
export { type ArchiveFormat, archiveFormats, dumpFolder } from "./inspect/dump-folder.ts";
export { type FoundBlob, findBlobs, type LocatedBlob, locateBlobs } from "./inspect/find-blobs.ts";
export { findNames, type NameQuery } from "./inspect/find-names.ts";
export { findNode, findTree } from "./inspect/find-node.ts";
export { type ListKind, list, listKinds } from "./inspect/list.ts";
export { ls } from "./inspect/ls.ts";
export { collectStats, type RepositoryStats, type StatsMode, statsModes } from "./inspect/stats.ts";
export type { ListedNode } from "./inspect/walk-in-order.ts";
export { type WantedBlobs, WantedIds } from "./inspect/wanted-ids.ts";
export { type AffectedSnapshot, affectedSnapshots, DamageLog } from "./maintenance/affected-snapshots.ts";
export type { CopyAmount } from "./maintenance/blob-copy.ts";
export { parseByteSize, parseMaxUnused } from "./maintenance/byte-size.ts";
export { type CheckOptions, type CheckProgress, type CheckResult, check } from "./maintenance/check.ts";
export type { Finding, FindingCode } from "./maintenance/check-findings.ts";
export { type CopyOptions, type CopyResult, copySnapshots, type SnapshotCopy } from "./maintenance/copy.ts";
export { type DataSubset, parseDataSubset } from "./maintenance/data-subset.ts";
export { type ForgetGroup, type ForgetOptions, type ForgetResult, forget } from "./maintenance/forget.ts";
export { emptyPolicy, type KeepPolicy } from "./maintenance/forget-policy.ts";
export { parseKeepDuration } from "./maintenance/keep-duration.ts";
export { listMigrations, type MigrateOptions, type MigrationOutcome, migrate } from "./maintenance/migrate.ts";
export { type DeletionResult, defaultPruneWaitMs } from "./maintenance/pending-deletions.ts";
export { type PruneOptions, type PruneResult, prune } from "./maintenance/prune.ts";
export type { PendingDeletion } from "./maintenance/prune-marks.ts";
export { recover } from "./maintenance/recover.ts";
export { type IndexChange, type RepairIndexResult, repairIndex } from "./maintenance/repair-index.ts";
export { type RepairPacksOptions, repairPacks } from "./maintenance/repair-packs.ts";
export { repairSnapshots, type SnapshotRepair } from "./maintenance/repair-snapshots.ts";
export type { TreeDamage } from "./maintenance/repair-trees.ts";
export { type RewriteOptions, type RewrittenSnapshot, rewriteSnapshots } from "./maintenance/rewrite.ts";
export { type TagChange, tagSnapshots } from "./maintenance/tag.ts";
export { type TwoPhasePruneOptions, type TwoPhasePruneResult, twoPhasePrune } from "./maintenance/two-phase-prune.ts";
export { LocalNotes, type LocalNotesOptions } from "./notes/local-notes.ts";
export {
  type FoundSnapshot,
  findSnapshots,
  type ResolvedSnapshot,
  resolveSnapshot,
  type SnapshotFilter,
} from "./repository/find-snapshots.ts";
export { groupSnapshots, parseGroupBy, type SnapshotGroup } from "./repository/group-snapshots.ts";
export { addKey, changePassword, listKeys, removeKey } from "./repository/keys.ts";
export {
  type LockOptions,
  type RemoveLocksOptions,
  removeStaleLocks,
  viewUnderLock,
  withLock,
} from "./repository/lock.ts";
export { type ListedLocks, listLocks, type StoredLock } from "./repository/lock-files.ts";
export type { LockedView } from "./repository/locked-view.ts";
export { recordOrigin } from "./repository/origin.ts";
export { type InitOptions, initRepository, openRepository, Repository } from "./repository/repository.ts";
export type { RepositoryIdentity, RepositoryOptions } from "./repository/repository-options.ts";
export { restore } from "./restorer/restore.ts";
export type {
  OverwriteMode,
  RestoredItem,
  RestoreOptions,
  RestoreProgress,
  RestoreResult,
  RestoreWarning,
} from "./restorer/restore-options.ts";
export { openStorage, parseLocation, type StorageOptions } from "./storage/location.ts";
export type { ObjectInfo, ObjectStorage } from "./storage/object-storage.ts";
export { newStorageMeter, type StorageMeter, type StorageTraffic, trafficOf } from "./storage/storage-meter.ts";
export { TokenBucket } from "./storage/token-bucket.ts";
export { type BlobWorkerPool, createBlobWorkerPool } from "./workers/blob-worker-pool.ts";
export { TaskGate } from "./workers/task-gate.ts";
