// The forms in which `find` shows what it found: lines under a heading for each snapshot, or restic's one JSON array.
import type { FoundBlob, FoundSnapshot, ListedNode } from "../../../repo-format/index.ts";
import { fileModeText } from "../output/file-mode-text.ts";
import { omitEmpty } from "../output/json-message.ts";
import type { Output } from "../output/output.ts";
import { nodeLine, shownName } from "./ls-writers.ts";
import { displayTime } from "./snapshot-time.ts";

export interface FindForm {
  readonly long?: boolean;
  readonly humanReadable?: boolean;
}

export interface FindWriter {
  addMatch(found: FoundSnapshot, listed: ListedNode): void;
  addBlob(found: FoundSnapshot, blob: FoundBlob): void;
  end(): void;
}

export function findWriter(output: Output, form: FindForm): FindWriter {
  return output.isJson ? new JsonFindWriter(output) : new TextFindWriter(output, form);
}

class TextFindWriter implements FindWriter {
  readonly #output: Output;
  readonly #form: FindForm;
  #current: FoundSnapshot | undefined;

  constructor(output: Output, form: FindForm) {
    this.#output = output;
    this.#form = form;
  }

  addMatch(found: FoundSnapshot, listed: ListedNode): void {
    if (found !== this.#current) {
      if (this.#current !== undefined) this.#output.print("");
      this.#current = found;
      const { id, snapshot } = found;
      this.#output.print(`Found matching entries in snapshot ${id.slice(0, 8)} from ${displayTime(snapshot.time)}`);
    }
    this.#output.result(nodeLine(listed, this.#form, this.#output.isTerminal));
  }

  addBlob({ id, snapshot }: FoundSnapshot, blob: FoundBlob): void {
    const isTree = blob.type === "tree";
    const before = `Found ${isTree ? "tree" : "blob"} ${blob.id}\n ... ${isTree ? "path" : "in file"} `;
    const tree = isTree ? "" : `     (tree ${blob.parentTree})\n`;
    const after = `\n${tree} ... in snapshot ${id.slice(0, 8)} (${displayTime(snapshot.time)})\n`;
    const name = shownName(blob.path, this.#output.isTerminal);
    this.#output.result(Buffer.concat([Buffer.from(before), name, Buffer.from(after)]));
  }

  end(): void {}
}

/** Writes the array piece by piece: what is found need not fit into memory. */
class JsonFindWriter implements FindWriter {
  readonly #output: Output;
  #current: FoundSnapshot | undefined;
  #hits = 0;
  #isEmpty = true;

  constructor(output: Output) {
    this.#output = output;
  }

  addMatch(found: FoundSnapshot, listed: ListedNode): void {
    if (found !== this.#current) {
      this.#endSnapshot();
      this.#write('{"matches":[');
      this.#current = found;
      this.#hits = 0;
    }
    this.#output.result((this.#hits++ === 0 ? "" : ",") + JSON.stringify(matchMessage(listed)));
  }

  addBlob({ id: snapshotId, snapshot }: FoundSnapshot, { type, id, path, parentTree }: FoundBlob): void {
    const message = {
      object_type: type === "tree" ? "tree" : "blob",
      id,
      path: path.toString("utf8"),
      ...(parentTree === undefined ? {} : { parent_tree: parentTree }),
      snapshot: snapshotId,
      time: snapshot.time,
    };
    this.#write(JSON.stringify(message));
  }

  end(): void {
    this.#endSnapshot();
    this.#output.result(this.#isEmpty ? "[]\n" : "]\n");
  }

  /** Begins the next element. */
  #write(json: string): void {
    this.#output.result((this.#isEmpty ? "[" : ",") + json);
    this.#isEmpty = false;
  }

  #endSnapshot(): void {
    if (this.#current !== undefined)
      this.#output.result(`],"hits":${this.#hits},"snapshot":${JSON.stringify(this.#current.id)}}`);
  }
}

/** restic's keys in its order: those of the stored entry but for its name and what it leads to. */
function matchMessage({ path, node }: ListedNode): object {
  return {
    path: path.toString("utf8"),
    permissions: fileModeText(node.mode),
    type: node.type,
    ...omitEmpty({ mode: node.mode }),
    mtime: node.mtime,
    atime: node.atime,
    ctime: node.ctime,
    uid: node.uid,
    gid: node.gid,
    ...omitEmpty({
      user: node.user,
      group: node.group,
      // Beyond 2^53 the last digits are lost, as they are in most readers of JSON.
      inode: Number(node.inode),
      device_id: Number(node.deviceId),
      size: node.size,
      links: node.links,
      linktarget: node.linkTarget?.toString("utf8"),
      error: node.error,
    }),
  };
}
