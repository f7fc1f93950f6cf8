// Divides snapshots into groups by host, paths and tags: the unit to which a retention policy applies.

import { RepositoryError } from "../errors.ts";
import type { FoundSnapshot } from "./find-snapshots.ts";

export interface GroupBy {
  readonly host: boolean;
  readonly paths: boolean;
  readonly tags: boolean;
}

/** What the snapshots of a group have in common; fields that were not grouped by are empty or null, as in restic's JSON. */
export interface SnapshotGroupKey {
  readonly hostname: string;
  readonly paths: readonly string[] | null;
  readonly tags: readonly string[] | null;
}

/** Snapshots that share host, paths or tags. */
export interface SnapshotGroup {
  readonly key: SnapshotGroupKey;
  readonly snapshots: readonly FoundSnapshot[];
}

const groupNames: Readonly<Record<string, keyof GroupBy>> = {
  host: "host",
  hosts: "host",
  path: "paths",
  paths: "paths",
  tag: "tags",
  tags: "tags",
};

/**
 * Reads the value of `--group-by`: "host", "paths", "tags" (or hosts, path, tag) separated by commas; "" for no groups.
 * @throws RepositoryError "argument-invalid" for any other word.
 */
export function parseGroupBy(text: string): GroupBy {
  const groupBy = { host: false, paths: false, tags: false };
  for (const word of text.split(",")) {
    if (word === "") continue;
    const name = groupNames[word];
    if (name === undefined) {
      throw new RepositoryError("argument-invalid", `unknown grouping "${word}": expected host, paths or tags`);
    }
    groupBy[name] = true;
  }
  return groupBy;
}

/** The same strings in the order of their UTF-8 bytes, which is how restic sorts them. */
function sortedByBytes(texts: readonly string[]): string[] {
  return texts
    .map((text) => Buffer.from(text))
    .sort(Buffer.compare)
    .map((bytes) => bytes.toString());
}

/** Groups in the order of their first snapshot; the snapshots of a group keep their order. */
export function groupSnapshots(snapshots: readonly FoundSnapshot[], groupBy: GroupBy): SnapshotGroup[] {
  const groups = new Map<string, { key: SnapshotGroupKey; snapshots: FoundSnapshot[] }>();
  for (const found of snapshots) {
    const { hostname, paths, tags } = found.snapshot;
    const key: SnapshotGroupKey = {
      hostname: groupBy.host ? hostname : "",
      paths: groupBy.paths ? sortedOrNull(paths) : null,
      tags: groupBy.tags ? sortedOrNull(tags) : null,
    };
    const name = JSON.stringify(key);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, { key, snapshots: [found] });
    else group.snapshots.push(found);
  }
  return [...groups.values()];
}

function sortedOrNull(texts: readonly string[]): string[] | null {
  return texts.length === 0 ? null : sortedByBytes(texts);
}

/** The group in words: "host a, path [/x /y], tags [t]". */
export function describeGroup(key: SnapshotGroupKey): string {
  const parts: string[] = [];
  if (key.hostname !== "") parts.push(`host ${key.hostname}`);
  if (key.paths !== null && key.paths.length > 0) parts.push(`path [${key.paths.join(" ")}]`);
  if (key.tags !== null && key.tags.length > 0) parts.push(`tags [${key.tags.join(" ")}]`);
  return parts.join(", ");
}
