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

const noName: Buffer = Buffer.alloc(0);
const attributeName: Buffer = Buffer.from("name");
const attributeValue: Buffer = Buffer.from("value");

/** A text that was read before, and where: neighbours share owners, and the times of a node are mostly the same. */
class RepeatedText {
  text: string = "";
  start: number = 0;
}

/** Reads nodes one after the other from a scanner that stands before each; 1.6 µs for a file of one chunk. */
export class NodeDecoder {
  readonly notes: DecodeNotes = { hasUnknownKeys: false, hasUnquotedNames: false };
  readonly #scanner: JsonScanner;
  readonly #time: RepeatedText = new RepeatedText();
  readonly #user: RepeatedText = new RepeatedText();
  readonly #group: RepeatedText = new RepeatedText();

  constructor(scanner: JsonScanner) {
    this.#scanner = scanner;
  }

  decode(): Node {
    const scanner = this.#scanner;
    const node = emptyNode(noName, "");
    let rawTarget: Buffer | undefined;
    let seen = 0;
    let next = 0;
    for (let more = scanner.enterObject(); more; more = scanner.nextMember()) {
      const key = findKey(scanner, next);
      if (key === -1 || (seen & (1 << key)) !== 0) this.notes.hasUnknownKeys = true;
      if (key === -1) {
        scanner.skipValue();
        continue;
      }
      seen |= 1 << key;
      next = key + 1;
      if (scanner.tryNull()) continue;
      if (key === 15) rawTarget = this.#readBase64();
      else if (key < 15) this.#readMember(node, key);
      else this.#readRareMember(node, key);
    }
    if (rawTarget !== undefined && rawTarget.length > 0) node.linkTarget = rawTarget;
    return node;
  }

  #readMember(node: Node, key: number): void {
    const scanner = this.#scanner;
    if (key === 0) node.name = this.#readName();
    else if (key === 1) node.type = this.#readType();
    else if (key === 2) node.mode = scanner.readUint(maxUint32);
    else if (key === 3) node.mtime = this.#readTime();
    else if (key === 4) node.atime = this.#readTime();
    else if (key === 5) node.ctime = this.#readTime();
    else if (key === 6) node.uid = scanner.readUint(maxUint32);
    else if (key === 7) node.gid = scanner.readUint(maxUint32);
    else if (key === 8) node.user = this.#readRepeated(this.#user);
    else if (key === 9) node.group = this.#readRepeated(this.#group);
    else if (key === 10) node.inode = scanner.readUint64();
    else if (key === 11) node.deviceId = scanner.readUint64();
    else if (key === 12) node.size = scanner.readUint(maxSize);
    else if (key === 13) node.links = scanner.readUint(maxSize);
    else node.linkTarget = this.#readTarget();
  }

  #readRareMember(node: Node, key: number): void {
    const scanner = this.#scanner;
    if (key === 16) node.extendedAttributes = this.#readAttributes();
    else if (key === 17) node.genericAttributes = this.#readRawObject();
    else if (key === 18) node.device = scanner.readUint64();
    else if (key === 19) node.content = this.#readIds();
    else if (key === 20) node.subtree = this.#readId();
    else node.error = this.#readText();
  }

  #readName(): Buffer {
    const scanner = this.#scanner;
    scanner.readString();
    if (!scanner.hasEscapes) return Buffer.from(scanner.bytes.subarray(scanner.start, scanner.end));
    const text = scanner.stringBytes();
    const name = unquoteName(text);
    if (name === undefined) this.notes.hasUnquotedNames = true;
    return name ?? text;
  }

  #readType(): NodeType {
    this.#scanner.readString();
    for (const [bytes, type] of types) if (this.#scanner.stringIs(bytes)) return type;
    this.notes.hasUnknownKeys = true;
    return "irregular";
  }

  #readTime(): TimeText {
    const before = this.#time.text;
    const text = this.#readRepeated(this.#time);
    const isKnown = text === before && text !== "";
    if (!isKnown && !isTimeText(text)) this.#scanner.fail("a time is malformed", this.#scanner.start);
    return text;
  }

  #readRepeated(last: RepeatedText): string {
    const scanner = this.#scanner;
    scanner.readString();
    if (scanner.repeats(last.start, last.text.length)) return last.text;
    const text = scanner.stringText();
    // Only a text that lies in the bytes as it stands can be compared with them.
    if (text.length === scanner.end - scanner.start && !scanner.hasEscapes) {
      last.text = text;
      last.start = scanner.start;
    }
    return text;
  }

  #readText(): string {
    this.#scanner.readString();
    return this.#scanner.stringText();
  }

  #readTarget(): Buffer | undefined {
    this.#scanner.readString();
    return this.#scanner.end > this.#scanner.start ? this.#scanner.stringBytes() : undefined;
  }

  #readBase64(): Buffer {
    const text = this.#readText();
    const bytes = Buffer.from(text, "base64");
    if (bytes.toString("base64") !== text) this.#scanner.fail("a value is not base64", this.#scanner.start);
    return bytes;
  }

  #readId(): BlobId {
    const scanner = this.#scanner;
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

  #readIds(): BlobId[] {
    const scanner = this.#scanner;
    const ids: BlobId[] = [];
    for (let more = scanner.enterArray(); more; more = scanner.nextElement()) ids.push(this.#readId());
    return ids;
  }

  #readRawObject(): Buffer {
    const scanner = this.#scanner;
    if (scanner.peek() !== 0x7b) scanner.fail("expected an object");
    const start = scanner.at;
    scanner.skipValue();
    // Through a string: what is not UTF-8 becomes U+FFFD, as in every other text.
    return Buffer.from(scanner.bytes.toString("utf8", start, scanner.at), "utf8");
  }

  #readAttributes(): ExtendedAttribute[] {
    const scanner = this.#scanner;
    const attributes: ExtendedAttribute[] = [];
    for (let more = scanner.enterArray(); more; more = scanner.nextElement()) attributes.push(this.#readAttribute());
    return attributes;
  }

  #readAttribute(): ExtendedAttribute {
    const scanner = this.#scanner;
    let name = "";
    let value: Buffer | null = null;
    for (let more = scanner.enterObject(); more; more = scanner.nextMember()) {
      if (scanner.stringIs(attributeName)) name = this.#readText();
      else if (scanner.stringIs(attributeValue)) value = scanner.tryNull() ? null : this.#readBase64();
      else {
        this.notes.hasUnknownKeys = true;
        scanner.skipValue();
      }
    }
    return { name, value };
  }
}

function findKey(scanner: JsonScanner, from: number): number {
  for (let key = from; key < keys.length; key++) if (scanner.stringIs(keys[key] as Buffer)) return key;
  for (let key = 0; key < from; key++) if (scanner.stringIs(keys[key] as Buffer)) return key;
  return -1;
}
