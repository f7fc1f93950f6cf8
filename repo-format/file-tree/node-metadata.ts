// Reads everything about a file but its bytes into a node, without following a link. Sizes of files are what lstat says;
// content and subtree stay empty for the caller to fill.
import { lstatSync, readlinkSync } from "node:fs";
import { fileModeFromStat } from "../format/file-mode.ts";
import { type ExtendedAttribute, emptyNode, type Node, type NodeType } from "../format/node.ts";
import { formatTime } from "../format/time.ts";
import type { AccountNames } from "./account-names.ts";
import type { DirectoryHandle } from "./directory-handle.ts";
import { type FileStat, modeTypes } from "./file-stat.ts";
import { systemCalls } from "./system-calls.ts";

export interface StatNodeOptions {
  /** Store the real access time; otherwise the modification time stands in its place, so that reading changes no tree. */
  readonly withAtime?: boolean;
  /** Looks names up; without it `user` and `group` stay empty. */
  readonly accounts?: AccountNames;
  /** Called for each attribute or list of attributes that could not be read; the node is kept without it. */
  readonly onWarning?: (message: string) => void;
}

const nodeTypes: ReadonlyMap<number, NodeType> = new Map([
  [modeTypes.file, "file"],
  [modeTypes.directory, "dir"],
  [modeTypes.link, "symlink"],
  [modeTypes.blockDevice, "dev"],
  [modeTypes.characterDevice, "chardev"],
  [modeTypes.fifo, "fifo"],
  [modeTypes.socket, "socket"],
]);

const noAttributes: readonly ExtendedAttribute[] = [];

/** The node's type; "irregular" for anything that Linux may add. */
export function nodeTypeOf(stat: FileStat): NodeType {
  return nodeTypes.get(Number(stat.mode) & modeTypes.mask) ?? "irregular";
}

/** lstat of a child, exact to the nanosecond. @throws Node's error, ENOENT when it vanished. */
export function statChild(directory: DirectoryHandle, name: Uint8Array): FileStat {
  return directory.statEntry(name);
}

/** @throws Node's error when the child cannot be examined, ENOENT when it vanished. */
export function statNode(directory: DirectoryHandle, name: Buffer, options: StatNodeOptions = {}): Node {
  const node = nodeOfStat(() => directory.childPath(name), name, statChild(directory, name), options);
  node.extendedAttributes = readAttributes(directory, name, options.onWarning);
  return node;
}

/**
 * The same for a path: a target that is given as such, or the directory of a handle through its selfPath().
 * @param name the name that the node gets.
 */
export function statNodeOfPath(path: Buffer, name: Buffer, options: StatNodeOptions = {}): Node {
  const node = nodeOfStat(() => path, name, lstatSync(path, { bigint: true }), options);
  const list = (): Buffer[] => systemCalls.llistxattr(path);
  node.extendedAttributes = attributesOf(list, () => path, options.onWarning);
  return node;
}

/** For callers that have the lstat result already; without the extended attributes. @param path for a link's target. */
export function nodeOfStat(path: () => Buffer, name: Buffer, stat: FileStat, options: StatNodeOptions): Node {
  const node = emptyNode(name, nodeTypeOf(stat));
  node.mode = fileModeFromStat(Number(stat.mode));
  node.mtime = formatTime(stat.mtimeNs);
  node.atime = options.withAtime === true ? formatTime(stat.atimeNs) : node.mtime;
  node.ctime = stat.ctimeNs === stat.mtimeNs ? node.mtime : formatTime(stat.ctimeNs);
  node.uid = Number(stat.uid);
  node.gid = Number(stat.gid);
  if (options.accounts !== undefined) {
    node.user = options.accounts.userName(node.uid);
    node.group = options.accounts.groupName(node.gid);
  }
  node.inode = stat.ino;
  fillByType(node, path, stat);
  return node;
}

/** Which fields a type has: restic-format notes, *Trees*; a device id only where it is needed to find hard links again. */
function fillByType(node: Node, path: () => Buffer, stat: FileStat): void {
  switch (node.type) {
    case "file":
      node.size = Number(stat.size);
      node.links = Number(stat.nlink);
      if (node.links > 1) node.deviceId = stat.dev;
      break;
    case "symlink":
      node.links = Number(stat.nlink);
      node.linkTarget = readlinkSync(path(), { encoding: "buffer" });
      break;
    case "dev":
    case "chardev":
      node.links = Number(stat.nlink);
      node.device = stat.rdev;
      break;
    default:
      break;
  }
}

/** In the order of the kernel. What cannot be read is reported and left out, as restic does. */
export function readAttributes(
  directory: DirectoryHandle,
  name: Uint8Array,
  onWarning?: (message: string) => void,
): readonly ExtendedAttribute[] {
  const list = (): Buffer[] => systemCalls.listxattrAt(directory.fd, name);
  return attributesOf(list, () => directory.childPath(name), onWarning);
}

function attributesOf(
  list: () => Buffer[],
  path: () => Buffer,
  onWarning?: (message: string) => void,
): readonly ExtendedAttribute[] {
  let names: Buffer[];
  try {
    names = list();
  } catch (error) {
    onWarning?.(`list extended attributes: ${(error as Error).message}`);
    return noAttributes;
  }
  if (names.length === 0) return noAttributes;
  const attributes: ExtendedAttribute[] = [];
  for (const name of names) {
    try {
      attributes.push({ name: name.toString(), value: systemCalls.lgetxattr(path(), name) });
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      // Removed since it was listed.
      if (code !== "ENODATA") onWarning?.(`read extended attribute ${JSON.stringify(name.toString())}: ${message}`);
    }
  }
  return attributes;
}
