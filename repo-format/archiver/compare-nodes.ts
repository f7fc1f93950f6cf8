// A question about a node and the parent snapshot's node of the same name: need the file be read?
import type { Node } from "../format/node.ts";
import { sameInstant } from "../format/time.ts";

export interface ChangeRules {
  readonly ignoreCtime: boolean;
  /** Implies ignoreCtime: who copies files gives them both anew. */
  readonly ignoreInode: boolean;
}

/** True when the file's bytes are taken to be those of the parent: size, mtime, ctime and inode are the same. */
export function isUnchangedFile(previous: Node, node: Node, rules: ChangeRules): boolean {
  if (previous.type !== "file" || previous.content === undefined || previous.size !== node.size) return false;
  if (!sameInstant(previous.mtime, node.mtime)) return false;
  if (rules.ignoreInode) return true;
  if (previous.inode !== node.inode) return false;
  return rules.ignoreCtime || sameInstant(previous.ctime, node.ctime);
}
