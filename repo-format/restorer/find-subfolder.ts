// Follows `<snapshot>:<subfolder>` to the tree of that directory.
import { RepositoryError } from "../errors.ts";
import type { BlobId } from "../format/id.ts";
import { iterateTree } from "../format/tree.ts";
import type { Repository } from "../repository/repository.ts";

/**
 * @param subfolder path in the snapshot; "" and "/" are its root.
 * @throws RepositoryError "path-missing" when it is not there or no directory.
 */
export async function findSubfolder(
  repo: Pick<Repository, "loadTree">,
  root: BlobId,
  subfolder: string,
  signal?: AbortSignal,
): Promise<BlobId> {
  let tree = root;
  let path = "";
  for (const component of namesOf(subfolder)) {
    path = `${path}/${component}`;
    tree = subtreeIn(await repo.loadTree(tree, signal), Buffer.from(component), path);
  }
  return tree;
}

/** Empty parts and "." are dropped, ".." removes the part before it, as in Go's path.Clean. */
function namesOf(path: string): string[] {
  const names: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") names.pop();
    else if (part !== "" && part !== ".") names.push(part);
  }
  return names;
}

function subtreeIn(tree: Buffer, name: Buffer, path: string): BlobId {
  for (const node of iterateTree(tree)) {
    if (!node.name.equals(name)) continue;
    if (node.type === "dir" && node.subtree !== undefined) return node.subtree;
    throw new RepositoryError("path-missing", `${path} is no directory in the snapshot`, { details: { path } });
  }
  throw new RepositoryError("path-missing", `${path} is not in the snapshot`, { details: { path } });
}
