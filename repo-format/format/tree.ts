// A tree is a directory as one blob: `{"nodes":[…]}` and a newline, nodes in ascending order of their raw names. Its id
// depends on every byte, so trees are written exactly as restic writes them; a tree that is only passed on is never encoded
// again.
import { RepositoryError } from "../errors.ts";
import { maxBlobLength, sealOverheadBytes } from "./blob.ts";
import { quoteNameText } from "./go-quote.ts";
import { GrowingBuffer } from "./growing-buffer.ts";
import type { TreeId } from "./id.ts";
import { JsonScanner } from "./json-scanner.ts";
import type { Node } from "./node.ts";
import { type DecodeNotes, NodeDecoder } from "./node-decoder.ts";
import { encodeNode } from "./node-encoder.ts";

/** SHA-256 of `{"nodes":[]}` and a newline. */
export const emptyTreeId: TreeId = "ac08ce34ba4f8123618661bef2425f7028ffb9ac740578a3ee88684d2523fee8" as TreeId;

/** Encodes a directory entry by entry. */
export class TreeEncoder {
  readonly #target: GrowingBuffer = new GrowingBuffer();
  #previous: Buffer | undefined;

  constructor() {
    this.#target.writeAscii('{"nodes":[');
  }

  /**
   * Appends a node; names must come in strictly ascending order of their bytes.
   * @throws RepositoryError "tree-malformed" for a name that is empty, not above the one before, or a tree over 4 GiB.
   */
  add(node: Node): void {
    const disorder = describeDisorder(this.#previous, node.name);
    if (disorder !== undefined) throw new RepositoryError("tree-malformed", `the tree cannot be written: ${disorder}`);
    encodeNode(node, this.#previous === undefined ? "" : ",", this.#target);
    this.#previous = node.name;
    if (this.#target.length > maxBlobLength - sealOverheadBytes) {
      throw new RepositoryError("tree-malformed", "the tree cannot be written: it has more than 4 GiB");
    }
  }

  /** Bytes so far. */
  get length(): number {
    return this.#target.length;
  }

  /** The tree's bytes, a new buffer. */
  finish(): Buffer {
    const tree = Buffer.from(this.finishView());
    this.free();
    return tree;
  }

  /** The tree's bytes in the encoder's own memory: valid until `free`. For tree after tree, where new memory costs. */
  finishView(): Buffer {
    this.#target.writeAscii("]}\n");
    return this.#target.view();
  }

  /** Gives the memory to later encoders; this one must not be used any more. */
  free(): void {
    this.#target.free();
  }
}

export function encodeTree(nodes: Iterable<Node>): Buffer {
  const encoder = new TreeEncoder();
  for (const node of nodes) encoder.add(node);
  return encoder.finish();
}

export interface DecodedTree extends Readonly<DecodeNotes> {
  readonly nodes: Node[];
  /** The first name that is empty, repeated or out of order; undefined in every tree that restic or this program wrote. */
  readonly disorder: string | undefined;
}

/**
 * Decodes a whole tree.
 * @throws RepositoryError "tree-malformed" with the offset of the byte that cannot be understood.
 */
export function decodeTree(bytes: Uint8Array): DecodedTree {
  const scan = new TreeScan(bytes);
  const nodes: Node[] = [];
  let disorder: string | undefined;
  let previous: Buffer | undefined;
  for (const node of scan.nodes()) {
    disorder ??= describeDisorder(previous, node.name);
    previous = node.name;
    nodes.push(node);
  }
  return { nodes, ...scan.notes, disorder };
}

/**
 * Decodes node by node, for trees that are too large to hold; order and unknown keys are not looked at.
 * @throws RepositoryError "tree-malformed" when the iteration reaches a byte that cannot be understood.
 */
export function iterateTree(bytes: Uint8Array): Generator<Node, void, undefined> {
  return new TreeScan(bytes).nodes();
}

const nodesKey: Buffer = Buffer.from("nodes");

class TreeScan {
  readonly #scanner: JsonScanner;
  readonly #decoder: NodeDecoder;

  constructor(bytes: Uint8Array) {
    this.#scanner = new JsonScanner(bytes, "tree-malformed", "the tree");
    this.#decoder = new NodeDecoder(this.#scanner);
  }

  /** Complete when the nodes were read to the end. */
  get notes(): Readonly<DecodeNotes> {
    return this.#decoder.notes;
  }

  *nodes(): Generator<Node, void, undefined> {
    const scanner = this.#scanner;
    const decoder = this.#decoder;
    let isFound = false;
    for (let more = scanner.enterObject(); more; more = scanner.nextMember()) {
      if (!scanner.stringIs(nodesKey)) {
        decoder.notes.hasUnknownKeys = true;
        scanner.skipValue();
        continue;
      }
      if (isFound) scanner.fail('a second "nodes" list', scanner.start);
      isFound = true;
      for (let moreNodes = scanner.enterArray(); moreNodes; moreNodes = scanner.nextElement()) yield decoder.decode();
    }
    if (!isFound) scanner.fail('there is no "nodes" list');
    scanner.expectEnd();
  }
}

function describeDisorder(previous: Buffer | undefined, name: Buffer): string | undefined {
  if (name.length === 0) return "a name is empty";
  if (previous === undefined) return undefined;
  const order = Buffer.compare(previous, name);
  if (order < 0) return undefined;
  const quoted = `"${quoteNameText(name)}"`;
  return order === 0 ? `the name ${quoted} comes twice` : `the name ${quoted} comes after "${quoteNameText(previous)}"`;
}
