// Gives a restored entry its owner, attributes, times and mode, in this order: a change of owner clears setuid and file
// capabilities, and a mode set too early could lock us out. Every step is tried, whatever the one before it said.
import { lchownSync } from "node:fs";
import { chmodBits } from "../format/file-mode.ts";
import type { Node } from "../format/node.ts";
import { parseTime } from "../format/time.ts";
import type { AccountNames } from "./account-names.ts";
import type { DirectoryHandle } from "./directory-handle.ts";
import { systemCalls } from "./system-calls.ts";
import { chmodChild } from "./write-node.ts";

export interface ApplyMetadataOptions {
  /** Without root's rights a refusal (EPERM) is expected and not reported. */
  readonly isRoot: boolean;
  /** Looks the node's user and group up by name; a name that is unknown here falls back to the number. */
  readonly ownershipByName?: AccountNames;
  /** Attributes that are set, and removed when the node does not have them; all without it. */
  readonly selectAttribute?: (name: string) => boolean;
}

export interface MetadataProblem {
  readonly step: "owner" | "attribute" | "removal" | "times" | "mode";
  readonly message: string;
  /** False for what the target's file system cannot hold: reported, but the restore counts as complete. */
  readonly isError: boolean;
}

/** Set by the security policy of the machine, not ours to remove. */
export const selinuxAttribute = "security.selinux";

/** @returns what did not work; empty when everything did. */
export function applyMetadata(
  directory: DirectoryHandle,
  name: Uint8Array,
  node: Node,
  options: ApplyMetadataOptions,
): MetadataProblem[] {
  const path = directory.childPath(name);
  const problems: MetadataProblem[] = [];
  const attempt = (step: MetadataProblem["step"], action: () => void): void => {
    try {
      action();
    } catch (error) {
      const problem = problemOf(step, error, options.isRoot);
      if (problem !== undefined) problems.push(problem);
    }
  };
  attempt("owner", () => setOwner(path, node, options.ownershipByName));
  applyAttributes(path, node, options, attempt);
  attempt("times", () => setTimes(path, node));
  if (node.type !== "symlink") attempt("mode", () => chmodChild(directory, name, chmodBits(node.mode)));
  return problems;
}

function setOwner(path: Buffer, node: Node, accounts: AccountNames | undefined): void {
  const uid = (node.user === "" ? undefined : accounts?.userId(node.user)) ?? node.uid;
  const gid = (node.group === "" ? undefined : accounts?.groupId(node.group)) ?? node.gid;
  lchownSync(path, uid, gid);
}

function setTimes(path: Buffer, node: Node): void {
  const mtimeNs = parseTime(node.mtime).unixNs;
  systemCalls.utimensat(path, node.atime === node.mtime ? mtimeNs : parseTime(node.atime).unixNs, mtimeNs);
}

type Attempt = (step: MetadataProblem["step"], action: () => void) => void;

/** Sets the node's attributes, then removes the others: a new file may have inherited some from its directory. */
function applyAttributes(path: Buffer, node: Node, options: ApplyMetadataOptions, attempt: Attempt): void {
  const isSelected = options.selectAttribute ?? (() => true);
  const expected = new Set<string>();
  for (const { name, value } of node.extendedAttributes) {
    if (!isSelected(name)) continue;
    expected.add(name);
    attempt("attribute", () => named(name, () => systemCalls.lsetxattr(path, name, value ?? Buffer.alloc(0))));
  }
  let present: Buffer[] = [];
  attempt("attribute", () => {
    present = systemCalls.llistxattr(path);
  });
  for (const bytes of present) {
    const name = bytes.toString();
    if (expected.has(name) || name === selinuxAttribute || !isSelected(name)) continue;
    attempt("removal", () => named(name, () => systemCalls.lremovexattr(path, bytes)));
  }
}

/** Puts the attribute's name into the error, which libc's calls do not know. */
function named(name: string, action: () => void): void {
  try {
    action();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const renamed: NodeJS.ErrnoException = new Error(`${JSON.stringify(name)}: ${message}`, { cause: error });
    if (code !== undefined) renamed.code = code;
    if (name === selinuxAttribute) renamed.code = "ENOTSUP";
    throw renamed;
  }
}

/** @returns undefined for what is to be expected. */
export function problemOf(step: MetadataProblem["step"], error: unknown, isRoot: boolean): MetadataProblem | undefined {
  const { code, message } = error as NodeJS.ErrnoException;
  const isGone = step === "removal" && code === "ENODATA";
  if ((code === "EPERM" && !isRoot) || isGone) return undefined;
  // Some attributes belong to the kernel or to a policy: they come with every new file and cannot be removed.
  if (step === "removal") return { step, message: `remove attribute ${message}`, isError: false };
  return { step, message: `set ${step}: ${message}`, isError: !(step === "attribute" && code === "ENOTSUP") };
}
