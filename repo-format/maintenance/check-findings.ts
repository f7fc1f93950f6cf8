// What a check finds: typed findings, counted, handed out as they come and kept up to a limit, so that a badly damaged
// repository cannot fill the memory.

import type { BlobId, IndexId, PackId, SnapshotId } from "../format/id.ts";

/**
 * Code → how bad it is. "error": data or its description is damaged or missing; "warning": odd, but everything can be
 * restored; "hint": wastes space or time.
 */
export const findingSeverities = {
  "index-unreadable": "error",
  "index-conflict": "error",
  "index-duplicate-pack": "hint",
  "pack-missing": "error",
  "pack-size": "error",
  "pack-unreferenced": "hint",
  "pack-mixed": "hint",
  "snapshot-unreadable": "error",
  "tree-unreadable": "error",
  "tree-malformed": "error",
  "tree-disorder": "warning",
  "file-without-content": "error",
  "file-null-blob": "error",
  "file-size": "warning",
  "blob-not-indexed": "error",
  "directory-without-subtree": "error",
  "node-type": "error",
  "node-without-name": "error",
  "blob-unused": "error",
  "pack-unreadable": "error",
  "pack-hash": "error",
  "pack-header": "error",
  "pack-gap": "error",
  "blob-damaged": "error",
} as const;

/** What kind of thing a finding is. */
export type FindingCode = keyof typeof findingSeverities;
export type FindingSeverity = (typeof findingSeverities)[FindingCode];

/** One thing that a check found. */
export interface Finding {
  readonly code: FindingCode;
  readonly severity: FindingSeverity;
  /** What is wrong, with ids in full. */
  readonly message: string;
  readonly packId?: PackId | undefined;
  readonly blobId?: BlobId | undefined;
  readonly treeId?: BlobId | undefined;
  readonly indexId?: IndexId | undefined;
  readonly snapshotId?: SnapshotId | undefined;
}

export type FindingFacts = Omit<Finding, "code" | "severity" | "message">;

export interface FindingCounts {
  readonly error: number;
  readonly warning: number;
  readonly hint: number;
}

/** So many findings are kept; all are counted and handed to the listener. */
const maxKept = 1000;

export class FindingLog {
  readonly kept: Finding[] = [];
  readonly counts: { error: number; warning: number; hint: number } = { error: 0, warning: 0, hint: 0 };
  /** Packs that must be repaired or removed before the repository is sound again. */
  readonly brokenPacks: Set<PackId> = new Set();
  suggestRepairIndex = false;
  suggestPrune = false;
  readonly #onFinding: ((finding: Finding) => void) | undefined;

  constructor(onFinding: ((finding: Finding) => void) | undefined) {
    this.#onFinding = onFinding;
  }

  add(code: FindingCode, message: string, facts: FindingFacts = {}): void {
    const finding: Finding = { code, severity: findingSeverities[code], message, ...facts };
    this.counts[finding.severity]++;
    if (this.kept.length < maxKept) this.kept.push(finding);
    if (isRepairedByIndex(code)) this.suggestRepairIndex = true;
    if (code === "pack-unreferenced" || code === "pack-mixed") this.suggestPrune = true;
    if (isPackDamage(code) && finding.packId !== undefined) this.brokenPacks.add(finding.packId);
    this.#onFinding?.(finding);
  }
}

function isRepairedByIndex(code: FindingCode): boolean {
  return code === "index-unreadable" || code === "index-duplicate-pack";
}

function isPackDamage(code: FindingCode): boolean {
  return ["index-conflict", "pack-size", "pack-hash", "pack-header", "pack-gap", "blob-damaged"].includes(code);
}
