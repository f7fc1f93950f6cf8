// A small file tree stored in a repository: directories, files of several blobs, hard links, a name that is not UTF-8.

import type { BlobId } from "../../repo-format/format/id.ts";
import { emptyNode, type Node } from "../../repo-format/format/node.ts";
import { encodeTree } from "../../repo-format/format/tree.ts";
import type { Repository } from "../../repo-format/repository/repository.ts";
import { seededBytes, storeBlobs } from "./memory-repository.ts";

/** The content of the file /etc/long, in its three blobs. */
export const longFile: readonly Buffer[] = [seededBytes(1, 5000), seededBytes(2, 70_000), seededBytes(3, 10)];

export function fileNode(name: string | Buffer, content: readonly BlobId[], fields: Partial<Node> = {}): Node {
  return { ...emptyNode(Buffer.from(name), "file"), content, links: 1, inode: 1n, mode: 0o644, ...fields };
}

export function directoryNode(name: string, subtree: BlobId): Node {
  return { ...emptyNode(Buffer.from(name), "dir"), subtree };
}

/**
 * /etc/deep/leaf, /etc/long, /home/raw‹FF›, /link-1 and /link-2 (one file), /symlink. Stores blobs and index.
 * @returns the root tree.
 */
export async function storeSampleTree(repo: Repository): Promise<BlobId> {
  const long = await storeBlobs(repo, "data", longFile);
  const [small = "" as BlobId] = await storeBlobs(repo, "data", [Buffer.from("small")]);
  const save = async (nodes: readonly Node[]): Promise<BlobId> => {
    const [id] = await storeBlobs(repo, "tree", [encodeTree(nodes)]);
    return id as BlobId;
  };
  const size = longFile.reduce((sum, part) => sum + part.length, 0);
  const deep = await save([fileNode("leaf", [small], { size: 5, inode: 2n })]);
  const etc = await save([directoryNode("deep", deep), fileNode("long", long, { size, inode: 3n })]);
  const home = await save([fileNode(Buffer.from([0x72, 0x61, 0x77, 0xff]), [], { inode: 4n })]);
  const linked = { size: 5, inode: 5n, links: 2 };
  const symlink = {
    ...emptyNode(Buffer.from("symlink"), "symlink"),
    linkTarget: Buffer.from("etc"),
    links: 1,
    size: 3,
  };
  return await save([
    directoryNode("etc", etc),
    directoryNode("home", home),
    fileNode("link-1", [small], linked),
    fileNode("link-2", [small], linked),
    symlink,
  ]);
}
