// The forms in which `ls` shows a snapshot: lines, restic's JSON messages, and the export format of ncdu.
import type { FoundSnapshot, ListedNode } from "../../../repo-format/index.ts";
import { fileModeText } from "../output/file-mode-text.ts";
import { formatBytes } from "../output/format-values.ts";
import type { Output } from "../output/output.ts";
import { printable } from "../output/terminal-text.ts";
import { NcduWriter } from "./ls-ncdu.ts";
import { snapshotToJson } from "./snapshot-json.ts";
import { describeSnapshot } from "./snapshot-text.ts";
import { displayTime } from "./snapshot-time.ts";

export interface LsWriter {
  begin(found: FoundSnapshot, dirs: readonly string[]): void;
  add(listed: ListedNode): void;
  end(): void;
}

interface LsForm {
  readonly long?: boolean;
  readonly humanReadable?: boolean;
  readonly ncdu?: boolean;
}

export function lsWriter(output: Output, form: LsForm): LsWriter {
  if (form.ncdu === true) return new NcduWriter(output);
  return output.isJson ? jsonWriter(output) : textWriter(output, form);
}

function jsonWriter(output: Output): LsWriter {
  return {
    begin: (found) => output.message({ ...snapshotToJson(found), message_type: "snapshot", struct_type: "snapshot" }),
    add: (listed) => output.message(nodeMessage(listed)),
    end: () => undefined,
  };
}

function textWriter(output: Output, form: LsForm): LsWriter {
  return {
    begin: (found, dirs) =>
      output.print(`${describeSnapshot(found)}${dirs.length === 0 ? "" : ` filtered by [${dirs.join(" ")}]`}:`),
    add: (listed) => output.result(nodeLine(listed, form, output.isTerminal)),
    end: () => undefined,
  };
}

/** restic's order of keys; names that are not UTF-8 show U+FFFD. */
function nodeMessage({ path, node }: ListedNode): object {
  return {
    name: node.name.toString("utf8"),
    type: node.type,
    path: path.toString("utf8"),
    uid: node.uid,
    gid: node.gid,
    ...(node.type === "file" ? { size: node.size } : {}),
    ...(node.mode === 0 ? {} : { mode: node.mode }),
    permissions: fileModeText(node.mode),
    mtime: node.mtime,
    atime: node.atime,
    ctime: node.ctime,
    // Beyond 2^53 the last digits are lost, as they are in most readers of JSON.
    ...(node.inode === 0n ? {} : { inode: Number(node.inode) }),
    message_type: "node",
    struct_type: "node",
  };
}

/** Raw bytes of a name for a pipe, so that scripts can go on with it; printable ones for a terminal. */
export function shownName(bytes: Buffer, isForTerminal: boolean): Buffer {
  return isForTerminal ? Buffer.from(printable(bytes.toString("utf8"))) : bytes;
}

/** An entry as a line, its newline included. */
export function nodeLine(listed: ListedNode, form: LsForm, isForTerminal: boolean): Buffer {
  const { node } = listed;
  const show = (bytes: Buffer): Buffer => shownName(bytes, isForTerminal);
  const link = form.long === true && node.linkTarget !== undefined ? [Buffer.from(" -> "), show(node.linkTarget)] : [];
  const before = Buffer.from(form.long === true ? longPrefix(listed, form) : "");
  return Buffer.concat([before, show(listed.path), ...link, Buffer.from("\n")]);
}

function longPrefix({ node }: ListedNode, form: LsForm): string {
  const size = form.humanReadable === true ? formatBytes(node.size).padStart(11) : String(node.size).padStart(9);
  const owner = `${String(node.uid).padStart(5)} ${String(node.gid).padStart(5)}`;
  return `${fileModeText(node.mode)} ${owner} ${size} ${displayTime(node.mtime)} `;
}
