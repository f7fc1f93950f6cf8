// Reads a node from the bytes of a tree. The input is hostile: sizes, ids, times and numbers are checked here, so that the
// code above may rely on them; names are not (a name like ".." is legal JSON) and must be checked before they are used.

import { unquoteName } from "./go-quote.ts";
import type { BlobId } from "./id.ts";
import type { JsonScanner } from "./json-scanner.ts";
import { type ExtendedAttribute, emptyNode, type Node, type NodeType } from "./node.ts";
import { isTimeText, type TimeText } from "./time.ts";

const maxUint32 = 0xffff_ffff;
/** Deliberately small: an entry of a directory cannot have more, and a file of 2^53 bytes cannot exist. */
const maxSize = Number.MAX_SAFE_INTEGER;

/** In the order in which restic writes them, so that the search for a key mostly ends at once. */
const keys: readonly Buffer[] = [
  "name",
  "type",
  "mode",
  "mtime",
  "atime",
  "ctime",
  "uid",
  "gid",
  "user",
  "group",
  "inode",
  "device_id",
  "size",
  "links",
  "linktarget",
  "linktarget_raw",
  "extended_attributes",
  "generic_attributes",
  "device",
  "content",
  "subtree",
  "error",
].map((key) => Buffer.from(key));

const types: readonly (readonly [Buffer, NodeType])[] = (
  ["file", "dir", "symlink", "dev", "chardev", "fifo", "socket", "irregular", ""] as const
).map((type) => [Buffer.from(type), type]);

/** What a decoder learns besides the nodes. */
export interface DecodeNotes {
  /** Encoding the nodes again would lose something: an unknown key or type, or a key given twice. */
  hasUnknownKeys: boolean;
  /** A name is not quoted as restic quotes it and was taken as it stands. */
  hasUnquotedNames: boolean;
}

/** Reads the node that begins at the scanner's position. */
export function decodeNode(scanner: JsonScanner, notes: DecodeNotes): Node {
  const node = emptyNode(noName, "");
  let rawTarget: Buffer | undefined;
  let seen = 0;
  let next = 0;
  for (let more = scanner.enterObject(); more; more = scanner.nextMember()) {
    const key = findKey(scanner, next);
    if (key === -1) {
      notes.hasUnknownKeys = true;
      scanner.skipValue();
      continue;
    }
    if ((seen & (1 << key)) !== 0) notes.hasUnknownKeys = true;
    seen |= 1 << key;
    next = key + 1;
    if (scanner.tryNull()) continue;
    if (key === 0) node.name = readName(scanner, notes);
    else if (key === 1) node.type = readType(scanner, notes);
    else if (key === 15) rawTarget = readBase64(scanner);
    else readMember(scanner, node, key, notes);
  }
  if (rawTarget !== undefined && rawTarget.length > 0) node.linkTarget = rawTarget;
  return node;
}

const noName: Buffer = Buffer.alloc(0);

function findKey(scanner: JsonScanner, from: number): number {
  for (let key = from; key < keys.length; key++) if (scanner.stringIs(keys[key] as Buffer)) return key;
  for (let key = 0; key < from; key++) if (scanner.stringIs(keys[key] as Buffer)) return key;
  return -1;
}

function readMember(scanner: JsonScanner, node: Node, key: number, notes: DecodeNotes): void {
  switch (key) {
    case 2:
      node.mode = scanner.readUint(maxUint32);
      return;
    case 3:
      node.mtime = readTime(scanner);
      return;
    case 4:
      node.atime = readTime(scanner);
      return;
    case 5:
      node.ctime = readTime(scanner);
      return;
    case 6:
      node.uid = scanner.readUint(maxUint32);
      return;
    case 7:
      node.gid = scanner.readUint(maxUint32);
      return;
    case 8:
      node.user = readText(scanner);
      return;
    case 9:
      node.group = readText(scanner);
      return;
    case 10:
      node.inode = scanner.readUint64();
      return;
    case 11:
      node.deviceId = scanner.readUint64();
      return;
    case 12:
      node.size = scanner.readUint(maxSize);
      return;
    case 13:
      node.links = scanner.readUint(maxSize);
      return;
    default:
      readRareMember(scanner, node, key, notes);
  }
}

function readRareMember(scanner: JsonScanner, node: Node, key: number, notes: DecodeNotes): void {
  switch (key) {
    case 14:
      scanner.readString();
      node.linkTarget = scanner.end > scanner.start ? scanner.stringBytes() : undefined;
      return;
    case 16:
      node.extendedAttributes = readAttributes(scanner, notes);
      return;
    case 17:
      node.genericAttributes = readRawObject(scanner);
      return;
    case 18:
      node.device = scanner.readUint64();
      return;
    case 19:
      node.content = readIds(scanner);
      return;
    case 20:
      node.subtree = readId(scanner);
      return;
    case 21:
      node.error = readText(scanner);
      return;
    default:
      throw new Error(`bug: no reader for key ${key} of a node`);
  }
}

function readName(scanner: JsonScanner, notes: DecodeNotes): Buffer {
  scanner.readString();
  if (!scanner.hasEscapes) return Buffer.from(scanner.bytes.subarray(scanner.start, scanner.end));
  const text = scanner.stringBytes();
  const name = unquoteName(text);
  if (name === undefined) notes.hasUnquotedNames = true;
  return name ?? text;
}

function readType(scanner: JsonScanner, notes: DecodeNotes): NodeType {
  scanner.readString();
  for (const [bytes, type] of types) if (scanner.stringIs(bytes)) return type;
  notes.hasUnknownKeys = true;
  return "irregular";
}

function readTime(scanner: JsonScanner): TimeText {
  scanner.readString();
  const text = scanner.stringText();
  if (!isTimeText(text)) scanner.fail("a time is malformed", scanner.start);
  return text;
}

function readText(scanner: JsonScanner): string {
  scanner.readString();
  return scanner.stringText();
}

function readBase64(scanner: JsonScanner): Buffer {
  const text = readText(scanner);
  const bytes = Buffer.from(text, "base64");
  if (bytes.toString("base64") !== text) scanner.fail("a value is not base64", scanner.start);
  return bytes;
}

function readId(scanner: JsonScanner): BlobId {
  scanner.readString();
  const { bytes, start, end } = scanner;
  if (end - start !== 64) scanner.fail("an id does not have 64 digits", start);
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    const isHex = (byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x66);
    if (!isHex) scanner.fail("an id has a digit that is not lower-case hex", at);
  }
  return bytes.toString("latin1", start, end) as BlobId;
}

function readIds(scanner: JsonScanner): BlobId[] {
  const ids: BlobId[] = [];
  for (let more = scanner.enterArray(); more; more = scanner.nextElement()) ids.push(readId(scanner));
  return ids;
}

function readRawObject(scanner: JsonScanner): Buffer | undefined {
  if (scanner.peek() !== 0x7b) scanner.fail("expected an object");
  const start = scanner.at;
  scanner.skipValue();
  return Buffer.from(scanner.bytes.subarray(start, scanner.at));
}

function readAttributes(scanner: JsonScanner, notes: DecodeNotes): ExtendedAttribute[] {
  const attributes: ExtendedAttribute[] = [];
  for (let more = scanner.enterArray(); more; more = scanner.nextElement()) {
    attributes.push(readAttribute(scanner, notes));
  }
  return attributes;
}

const attributeName: Buffer = Buffer.from("name");
const attributeValue: Buffer = Buffer.from("value");

function readAttribute(scanner: JsonScanner, notes: DecodeNotes): ExtendedAttribute {
  let name = "";
  let value: Buffer | null = null;
  for (let more = scanner.enterObject(); more; more = scanner.nextMember()) {
    if (scanner.stringIs(attributeName)) name = readText(scanner);
    else if (scanner.stringIs(attributeValue)) value = scanner.tryNull() ? null : readBase64(scanner);
    else {
      notes.hasUnknownKeys = true;
      scanner.skipValue();
    }
  }
  return { name, value };
}
