// Metadata of the many files that have nothing but an owner, a mode and one time: set through the file's descriptor, by
// whoever has written it, before it is closed. Everything else (attributes, owners by name) is apply-metadata's.
import { fchmodSync, fchownSync, fstatSync } from "node:fs";
import { chmodBits, fileModeFromStat } from "../format/file-mode.ts";
import { emptyNode, type Node, type NodeType } from "../format/node.ts";
import { formatTime, parseTime } from "../format/time.ts";
import { type MetadataProblem, problemOf, selinuxAttribute } from "./apply-metadata.ts";
import type { SplitTime } from "./system-call-contract.ts";
import { systemCalls } from "./system-calls.ts";

export interface PlainMetadata extends SplitTime {
  /** 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** @returns undefined when the node has more than these: attributes, or a time of last access of its own. */
export function plainMetadataOf(node: Node): PlainMetadata | undefined {
  if (node.extendedAttributes.length > 0 || node.atime !== node.mtime) return undefined;
  const { unixNs } = parseTime(node.mtime);
  let seconds = unixNs / 1_000_000_000n;
  let nanoseconds = unixNs % 1_000_000_000n;
  if (nanoseconds < 0n) {
    seconds -= 1n;
    nanoseconds += 1_000_000_000n;
  }
  const { uid, gid } = node;
  return { mode: chmodBits(node.mode), uid, gid, seconds: Number(seconds), nanoseconds: Number(nanoseconds) };
}

/** A node that says the same and nothing else. */
export function plainNode(type: NodeType, name: Buffer, metadata: PlainMetadata): Node {
  const { uid, gid, mode, seconds, nanoseconds } = metadata;
  const time = formatTime(BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds));
  return { ...emptyNode(name, type), uid, gid, mode: fileModeFromStat(mode), mtime: time, atime: time };
}

/** What a file has from its creation, and with it each that the same process makes in the same directory. */
export interface InheritedMetadata {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  /** Attributes that the node may not have, as those of a directory's default access list. */
  readonly hasAttributes: boolean;
}

/** @param fd a new file, nothing set yet. */
export function inheritedMetadata(fd: number): InheritedMetadata {
  const { uid, gid, mode } = fstatSync(fd);
  const hasAttributes = systemCalls.flistxattr(fd).some((name) => name.toString() !== selinuxAttribute);
  return { uid, gid, mode: mode & 0o7777, hasAttributes };
}

/**
 * Owner, time, mode, in this order: a change of owner clears setuid. Every step is tried; what is right already is left.
 * @param isRoot without root's rights a refusal (EPERM) is expected.
 * @returns what did not work; nearly always empty.
 */
export function applyPlainMetadata(
  fd: number,
  metadata: PlainMetadata,
  inherited: InheritedMetadata,
  isRoot: boolean,
): MetadataProblem[] {
  const problems: MetadataProblem[] = [];
  const attempt = (step: MetadataProblem["step"], action: () => void): void => {
    try {
      action();
    } catch (error) {
      const problem = problemOf(step, error, isRoot);
      if (problem !== undefined) problems.push(problem);
    }
  };
  const { uid, gid, mode } = metadata;
  if (uid !== inherited.uid || gid !== inherited.gid) attempt("owner", () => fchownSync(fd, uid, gid));
  attempt("times", () => systemCalls.futimens(fd, metadata));
  if (mode !== inherited.mode) attempt("mode", () => fchmodSync(fd, mode));
  return problems;
}
