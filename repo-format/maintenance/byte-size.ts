// Sizes as restic's options take them: whole bytes with an optional suffix, powers of 1024.

import { RepositoryError } from "../errors.ts";

const units: Readonly<Record<string, number>> = { b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

/**
 * "500", "10k", "3M", "1g", "2T" → bytes.
 * @throws RepositoryError "argument-invalid"
 */
export function parseByteSize(text: string): number {
  const match = /^(\d+)([bkmgt]?)$/i.exec(text);
  const bytes = Number(match?.[1]) * (units[match?.[2]?.toLowerCase() || "b"] ?? Number.NaN);
  if (Number.isSafeInteger(bytes)) return bytes;
  throw new RepositoryError("argument-invalid", `"${text}" is not a size: expected a whole number with k, M, G or T`);
}

/**
 * Reads the limit of unused data that a prune tolerates: "5%", "unlimited" or a size.
 * @returns unused bytes that may stay, given the used bytes.
 * @throws RepositoryError "argument-invalid"
 */
export function parseMaxUnused(text: string): (usedBytes: number) => number {
  const trimmed = text.trim();
  if (trimmed === "unlimited") return () => Number.POSITIVE_INFINITY;
  if (!trimmed.endsWith("%")) {
    const bytes = parseByteSize(trimmed);
    return () => bytes;
  }
  const percent = Number(trimmed.slice(0, -1));
  if (/^(\d+\.?\d*|\.\d+)%$/.test(trimmed) && percent < 100) {
    return (usedBytes) => Math.floor((percent / (100 - percent)) * usedBytes);
  }
  throw new RepositoryError(
    "argument-invalid",
    `"${text}" is no limit of unused data: from 0% to below 100%, or a size`,
  );
}
