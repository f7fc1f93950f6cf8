// Whether two entries of the same name say the same: for statistics of a backup, and for the difference of two snapshots.
import type { ExtendedAttribute, Node } from "./node.ts";
import { sameInstant } from "./time.ts";

/** True when the nodes say the same in every field. */
export function isSameNode(a: Node, b: Node): boolean {
  return (
    a.type === b.type &&
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    a.user === b.user &&
    a.group === b.group &&
    a.inode === b.inode &&
    a.deviceId === b.deviceId &&
    a.device === b.device &&
    a.size === b.size &&
    a.links === b.links &&
    a.subtree === b.subtree &&
    a.error === b.error &&
    sameInstant(a.mtime, b.mtime) &&
    sameInstant(a.ctime, b.ctime) &&
    sameInstant(a.atime, b.atime) &&
    isSameBuffer(a.linkTarget, b.linkTarget) &&
    isSameContent(a, b) &&
    hasSameAttributes(a.extendedAttributes, b.extendedAttributes) &&
    isSameBuffer(a.genericAttributes, b.genericAttributes)
  );
}

/** True when both have the same blobs; no content at all differs from an empty one. */
export function isSameContent(a: Pick<Node, "content">, b: Pick<Node, "content">): boolean {
  if (a.content === undefined || b.content === undefined) return a.content === b.content;
  return a.content.length === b.content.length && a.content.every((id, index) => id === b.content?.[index]);
}

/** Kernels list attributes in an order of their own, so it does not count. */
function hasSameAttributes(a: readonly ExtendedAttribute[], b: readonly ExtendedAttribute[]): boolean {
  if (a.length !== b.length) return false;
  return a.every(({ name, value }, index) => {
    const other = b[index]?.name === name ? b[index] : b.find((candidate) => candidate.name === name);
    return other !== undefined && isSameBuffer(value ?? undefined, other.value ?? undefined);
  });
}

function isSameBuffer(a: Buffer | undefined, b: Buffer | undefined): boolean {
  return a === undefined || b === undefined ? a === b : a.equals(b);
}
