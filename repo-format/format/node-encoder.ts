// A node as restic's JSON, byte for byte: fixed order of keys, omitted when zero as Go's struct tags say, names quoted,
// HTML characters escaped (restic design, *Trees and Data*).
import { isUtf8 } from "node:buffer";
import { escapeBytes, isPlainAscii, jsonString } from "./canonical-json.ts";
import { quoteNameText } from "./go-quote.ts";
import type { GrowingBuffer } from "./growing-buffer.ts";
import type { BlobId } from "./id.ts";
import type { ExtendedAttribute, Node } from "./node.ts";

/** Longer lists are written in parts: a file of terabytes must not become one string. */
const idsPerWrite = 4096;

/**
 * Appends one node. Most nodes become one short string and one write of plain ASCII: 1.0 µs for a file of one chunk, a
 * third more when the pieces are written one by one.
 */
export function encodeNode(node: Node, separator: "" | ",", target: GrowingBuffer): void {
  const latin = node.name.toString("latin1");
  const isPlainName = isPlainAscii(latin);
  const name = isPlainName ? latin : jsonString(quoteNameText(node.name)).slice(1, -1);
  const head = `${separator}{"name":"${name}","type":"${node.type}"${optional("mode", node.mode)},"mtime":"${node.mtime}","atime":"${node.atime}","ctime":"${node.ctime}","uid":${node.uid},"gid":${node.gid}`;
  const owners = `${textMember("user", node.user)}${textMember("group", node.group)}`;
  const numbers = `${optional64("inode", node.inode)}${optional64("device_id", node.deviceId)}${optional("size", node.size)}${optional("links", node.links)}`;
  const rare = rareMembers(node);
  const subtree = node.subtree === undefined ? "" : `,"subtree":"${node.subtree}"`;
  const tail = `${subtree}${textMember("error", node.error)}}`;
  const { content } = node;
  if (content !== undefined && content.length > idsPerWrite) {
    target.write(`${head}${owners}${numbers}${rare},"content":`);
    writeIds(content, target);
    target.write(tail);
    return;
  }
  const text = `${head}${owners}${numbers}${rare},"content":${contentText(content)}${tail}`;
  const isAscii =
    isPlainName && rare === "" && isPlainAscii(node.user) && isPlainAscii(node.group) && node.error === "";
  if (isAscii) target.writeAscii(text);
  else target.write(text);
}

function contentText(content: readonly BlobId[] | undefined): string {
  if (content === undefined) return "null";
  return content.length === 0 ? "[]" : `["${content.join('","')}"]`;
}

function writeIds(content: readonly BlobId[], target: GrowingBuffer): void {
  for (let from = 0; from < content.length; from += idsPerWrite) {
    target.writeAscii(`${from === 0 ? '["' : '","'}${content.slice(from, from + idsPerWrite).join('","')}`);
  }
  target.writeAscii('"]');
}

function optional(key: string, value: number): string {
  return value === 0 ? "" : `,"${key}":${value}`;
}

function optional64(key: string, value: bigint): string {
  return value === 0n ? "" : `,"${key}":${value}`;
}

function textMember(key: string, value: string): string {
  return value === "" ? "" : `,"${key}":${jsonString(value)}`;
}

/** The members that most nodes lack, from `linktarget` to `device`. */
function rareMembers(node: Node): string {
  let text = "";
  if (node.linkTarget !== undefined) text += linkTargetMembers(node.linkTarget);
  if (node.extendedAttributes.length > 0) {
    text += `,"extended_attributes":[${node.extendedAttributes.map(attributeText).join(",")}]`;
  }
  if (node.genericAttributes !== undefined) text += `,"generic_attributes":${node.genericAttributes.toString("utf8")}`;
  return text + optional64("device", node.device);
}

/** A target that is not UTF-8 is kept whole in `linktarget_raw`; the readable one is then lossy. */
function linkTargetMembers(target: Buffer): string {
  if (target.length === 0) return "";
  const text = `,"linktarget":"${escapeBytes(target)}"`;
  return isUtf8(target) ? text : `${text},"linktarget_raw":"${target.toString("base64")}"`;
}

function attributeText(attribute: ExtendedAttribute): string {
  const value = attribute.value === null ? "null" : `"${attribute.value.toString("base64")}"`;
  return `{"name":${jsonString(attribute.name)},"value":${value}}`;
}
