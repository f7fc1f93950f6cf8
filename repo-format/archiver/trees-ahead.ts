// Reads the parent snapshot's trees before the walk comes to them, in the order in which it will: depth first. Trees are
// small and a request costs as much for one as for hundreds that lie together, so they are asked for in groups; how far
// ahead is bounded by bytes. Nothing depends on it: a tree that was not foreseen is simply read when it is needed.
import type { BlobId } from "../format/id.ts";
import type { Repository } from "../repository/repository.ts";

/** Bytes of trees that were read and not used yet; the repository's cache of trees has room for several times as much. */
const aheadBytes: number = 8 * 1024 * 1024;
/** A group is this many trees, or this many bytes. */
const groupTrees = 64;
const groupBytes: number = 512 * 1024;

const subtreeKey: Buffer = Buffer.from('"subtree":"');
const idDigits = 64;

/** A tree that was read ahead, for as many directories as are the same. */
interface Foreseen {
  readonly bytes: number;
  uses: number;
}

export type TreeSource = Pick<Repository, "loadTree" | "prefetchTrees" | "index">;

export class TreesAhead {
  readonly #repo: TreeSource;
  readonly #signal: AbortSignal | undefined;
  /** What comes next, the first on top. */
  readonly #stack: BlobId[] = [];
  readonly #foreseen = new Map<BlobId, Foreseen>();
  #foreseenBytes = 0;
  #isReading = false;
  /** Being read now. */
  #group = new Set<BlobId>();
  #groupRead: Promise<void> = Promise.resolve();

  constructor(repo: TreeSource, signal: AbortSignal | undefined) {
    this.#repo = repo;
    this.#signal = signal;
  }

  /** The tree's bytes, and a reason to read on. @throws what `loadTree` throws. */
  async take(id: BlobId): Promise<Buffer> {
    if (this.#group.has(id)) await this.#groupRead;
    const isForeseen = this.#use(id);
    const isNext = !isForeseen && this.#stack.at(-1) === id;
    if (isNext) this.#stack.pop();
    const bytes = await this.#repo.loadTree(id, this.#signal);
    if (!isForeseen) {
      if (!isNext) this.#forget();
      this.#push(bytes);
    }
    this.#readOn();
    return bytes;
  }

  #use(id: BlobId): boolean {
    const foreseen = this.#foreseen.get(id);
    if (foreseen === undefined) return false;
    if (--foreseen.uses > 0) return true;
    this.#foreseen.delete(id);
    this.#foreseenBytes -= foreseen.bytes;
    return true;
  }

  /** The walk is somewhere else than foreseen: what was read ahead may be of directories that are gone or excluded. */
  #forget(): void {
    this.#foreseen.clear();
    this.#foreseenBytes = 0;
  }

  #push(bytes: Buffer): void {
    const subtrees = subtreesOf(bytes);
    for (let index = subtrees.length - 1; index >= 0; index--) this.#stack.push(subtrees[index] as BlobId);
  }

  #readOn(): void {
    if (this.#isReading || this.#stack.length === 0 || this.#foreseenBytes >= aheadBytes) return;
    this.#isReading = true;
    void this.#readGroups().finally(() => {
      this.#isReading = false;
    });
  }

  async #readGroups(): Promise<void> {
    while (this.#stack.length > 0 && this.#foreseenBytes < aheadBytes && this.#signal?.aborted !== true) {
      const group = this.#nextGroup();
      this.#group = new Set(group);
      // Whoever needs a tree that could not be read hears of it then.
      this.#groupRead = this.#readGroup(group).catch(() => void this.#stack.splice(0));
      await this.#groupRead;
      this.#group.clear();
    }
  }

  async #readGroup(group: BlobId[]): Promise<void> {
    await this.#repo.prefetchTrees(group, this.#signal);
    for (const id of group.reverse()) await this.#foresee(id);
  }

  #nextGroup(): BlobId[] {
    const group: BlobId[] = [];
    let bytes = 0;
    while (group.length < groupTrees && bytes < groupBytes) {
      const id = this.#stack.pop();
      if (id === undefined) break;
      const [location] = this.#repo.index.lookup({ type: "tree", id });
      // Unknown trees are left to whoever asks for them; so are large ones, which gain nothing from company.
      const length = location === undefined ? 0 : Math.max(location.uncompressedLength, location.length);
      if (length === 0 || length > groupBytes) continue;
      group.push(id);
      bytes += length;
    }
    return group;
  }

  async #foresee(id: BlobId): Promise<void> {
    const bytes = await this.#repo.loadTree(id, this.#signal);
    const known = this.#foreseen.get(id);
    if (known !== undefined) known.uses++;
    else {
      this.#foreseen.set(id, { bytes: bytes.length, uses: 1 });
      this.#foreseenBytes += bytes.length;
    }
    this.#push(bytes);
  }
}

/**
 * Ids of a tree's directories in their order, without decoding it: inside of a JSON string every quote has a backslash
 * before it, so the key can be nothing else.
 */
export function subtreesOf(tree: Buffer): BlobId[] {
  const ids: BlobId[] = [];
  for (let at = tree.indexOf(subtreeKey); at >= 0; at = tree.indexOf(subtreeKey, at)) {
    at += subtreeKey.length;
    ids.push(tree.toString("latin1", at, at + idDigits) as BlobId);
  }
  return ids;
}
