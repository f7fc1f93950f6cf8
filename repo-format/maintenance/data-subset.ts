// Which packs a check reads: all, the n-th of t parts, a percentage, or as many as fit into a size.

import { RepositoryError } from "../errors.ts";
import type { PackId } from "../format/id.ts";
import { parseByteSize } from "./byte-size.ts";

/** Which packs a check reads. */
export type DataSubset =
  | { readonly kind: "all" }
  /** Packs whose id's first byte leaves the remainder part − 1 when divided by parts; part from 1, parts up to 256. */
  | { readonly kind: "part"; readonly part: number; readonly parts: number }
  /** Random packs, so many percent (above 0 to 100) of their number. */
  | { readonly kind: "percent"; readonly percent: number }
  /** Random packs of so many bytes together. */
  | { readonly kind: "bytes"; readonly bytes: number };

const maxParts = 256;

/**
 * Reads "n/t", "x%" or a size with a suffix such as "10G".
 * @throws RepositoryError "argument-invalid"
 */
export function parseDataSubset(text: string): DataSubset {
  const partMatch = /^(\d+)\/(\d+)$/.exec(text);
  if (partMatch !== null) {
    const part = Number(partMatch[1]);
    const parts = Number(partMatch[2]);
    if (part >= 1 && part <= parts && parts <= maxParts) return { kind: "part", part, parts };
    throw invalid(text, `n/t needs 1 ≤ n ≤ t ≤ ${maxParts}`);
  }
  if (/^\d+(\.\d+)?%$/.test(text)) {
    const percent = Number(text.slice(0, -1));
    if (percent > 0 && percent <= 100) return { kind: "percent", percent };
    throw invalid(text, "a percentage is above 0% and at most 100%");
  }
  const bytes = parseByteSize(text);
  if (bytes > 0) return { kind: "bytes", bytes };
  throw invalid(text, "a size is above 0");
}

function invalid(text: string, reason: string): RepositoryError {
  return new RepositoryError("argument-invalid", `"${text}" is no part of the data: ${reason}`);
}

export interface SizedPack {
  readonly id: PackId;
  readonly sizeBytes: number;
}

/** @param random gives numbers from 0 to below 1. */
export function choosePacks(
  packs: readonly SizedPack[],
  subset: DataSubset,
  random: () => number,
): readonly SizedPack[] {
  switch (subset.kind) {
    case "all":
      return packs;
    case "part":
      return packs.filter(({ id }) => Number.parseInt(id.slice(0, 2), 16) % subset.parts === subset.part - 1);
    case "percent": {
      const count = Math.max(1, Math.floor((packs.length * subset.percent) / 100));
      return shuffled(packs, random).slice(0, count);
    }
    case "bytes": {
      const total = packs.reduce((sum, pack) => sum + pack.sizeBytes, 0);
      const count = Math.max(1, Math.floor(packs.length * Math.min(1, subset.bytes / Math.max(1, total))));
      return shuffled(packs, random).slice(0, count);
    }
  }
}

function shuffled(packs: readonly SizedPack[], random: () => number): SizedPack[] {
  const result = [...packs];
  for (let left = result.length - 1; left > 0; left--) {
    const other = Math.floor(random() * (left + 1));
    [result[left], result[other]] = [result[other] as SizedPack, result[left] as SizedPack];
  }
  return result;
}
