// tar (POSIX.1-2017, pax): a header of 512 bytes for each entry, its content, zeros up to the next multiple of 512. What the
// header's fields cannot hold stands in an extended header before it, one record for each fact. The choices that the
// standard leaves open are Go's, so that our archives have the bytes of restic's.

import { type ArchiveEncoder, type ArchiveEntry, roundedSeconds } from "./archive-encoder.ts";
import { aclText } from "./posix-acl.ts";

const blockBytes = 512;

/** Offset and size of the header's fields. */
const fields = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  linkName: [157, 100],
  magic: [257, 8],
  user: [265, 32],
  group: [297, 32],
  deviceMajor: [329, 8],
  deviceMinor: [337, 8],
  prefix: [345, 155],
} as const;

type Field = keyof typeof fields;

const typeFlags = { file: "0", dir: "5", symlink: "2", extended: "x" } as const;
/** "ustar", a NUL, and version 00. */
const magic: Buffer = Buffer.from("ustar\x0000", "latin1");
const slash = 0x2f;

const aclRecords: ReadonlyMap<string, string> = new Map([
  ["system.posix_acl_access", "SCHILY.acl.access"],
  ["system.posix_acl_default", "SCHILY.acl.default"],
]);

type Records = Map<string, Buffer>;

export class TarEncoder implements ArchiveEncoder {
  #sizeBytes = 0;

  begin(entry: ArchiveEntry): Buffer {
    this.#sizeBytes = entry.sizeBytes;
    const name = entry.type === "dir" ? Buffer.concat([entry.path, Buffer.of(slash)]) : entry.path;
    const values = valuesOf(entry, name);
    const split = splitName(name);
    const attributes = attributeRecords(entry);
    const tooMuch = overflowRecords(values);
    const isNameAlone = tooMuch.size === 1 && tooMuch.has("path") && split !== undefined;
    if (attributes.size === 0 && isNameAlone) {
      return headerBlock({ ...values, name: split.suffix, prefix: split.prefix });
    }
    const records: Records = new Map([...tooMuch, ...attributes]);
    if (records.size === 0) return headerBlock(values);
    return Buffer.concat([...extendedHeader(name, records), headerBlock(shortened(values))]);
  }

  data(bytes: Buffer): Buffer {
    return bytes;
  }

  end(): Buffer {
    return padding(this.#sizeBytes);
  }

  /** Two empty blocks. */
  finish(): Buffer {
    return Buffer.alloc(2 * blockBytes);
  }
}

interface HeaderValues {
  readonly type: keyof typeof typeFlags;
  readonly name: Buffer;
  readonly linkName: Buffer;
  readonly user: Buffer;
  readonly group: Buffer;
  readonly prefix: Buffer;
  readonly mode: bigint;
  readonly uid: bigint;
  readonly gid: bigint;
  readonly size: bigint;
  readonly mtime: bigint;
}

function valuesOf(entry: ArchiveEntry, name: Buffer): HeaderValues {
  return {
    type: entry.type,
    name,
    linkName: entry.linkTarget,
    user: Buffer.from(entry.user),
    group: Buffer.from(entry.group),
    prefix: Buffer.alloc(0),
    mode: BigInt(entry.mode & 0o7777),
    uid: BigInt(entry.uid),
    gid: BigInt(entry.gid),
    size: BigInt(entry.sizeBytes),
    mtime: roundedSeconds(entry.mtime),
  };
}

/** Field → name of its record. */
const textRecords = [
  ["name", "path"],
  ["linkName", "linkpath"],
  ["user", "uname"],
  ["group", "gname"],
] as const;
const numberRecords = ["uid", "gid", "size", "mtime"] as const;

/** What does not fit into its field. */
function overflowRecords(values: HeaderValues): Records {
  const records: Records = new Map();
  for (const [field, key] of textRecords) {
    const text = values[field];
    if (text.length > fields[field][1] || !isAscii(text)) records.set(key, text);
  }
  for (const field of numberRecords) {
    if (!fitsOctal(field, values[field])) records.set(field, Buffer.from(values[field].toString()));
  }
  return records;
}

/** A name with "=" cannot be said in a record, and is left out. */
function attributeRecords({ extendedAttributes }: ArchiveEntry): Records {
  const records: Records = new Map();
  for (const { name, value } of extendedAttributes) {
    const bytes = value ?? Buffer.alloc(0);
    const acl = aclRecords.get(name);
    const text = acl === undefined ? undefined : aclText(bytes);
    if (acl === undefined && !name.includes("=")) records.set(`SCHILY.xattr.${name}`, bytes);
    else if (acl !== undefined && text !== undefined) records.set(acl, Buffer.from(text));
  }
  return records;
}

function extendedHeader(name: Buffer, records: Records): Buffer[] {
  const sorted = [...records].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const body = Buffer.concat(sorted.map(([key, value]) => paxRecord(key, value)));
  const zero = { uid: 0n, gid: 0n, mode: 0n, mtime: 0n, size: BigInt(body.length) };
  const none = Buffer.alloc(0);
  const text = { name: extendedHeaderName(name), linkName: none, user: none, group: none, prefix: none };
  return [headerBlock({ type: "extended", ...text, ...zero }), body, padding(body.length)];
}

/** "a/PaxHeaders.0/b" for "a/b", cut to the field. */
function extendedHeaderName(name: Buffer): Buffer {
  const at = name.lastIndexOf(slash) + 1;
  const folder = name.subarray(0, at);
  const parts = [
    folder,
    Buffer.from("PaxHeaders.0"),
    ...(at < name.length ? [Buffer.of(slash), name.subarray(at)] : []),
  ];
  const text = asciiOf(Buffer.concat(parts)).subarray(0, fields.name[1]);
  return text.at(-1) === slash ? text.subarray(0, -1) : text;
}

/** "length key=value\n", where the length counts all of that. */
function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from("\n")]);
  let length = rest.length + String(rest.length).length;
  length = rest.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/** The fields as they are when records say the rest: ASCII only, and 0 for numbers that do not fit. */
function shortened(values: HeaderValues): HeaderValues {
  const cut = (field: "name" | "linkName" | "user" | "group"): Buffer => {
    const text = asciiOf(values[field]);
    const size = fields[field][1];
    if (text.length <= size) return text;
    let end = size;
    // A slash at the end would make a directory of a file for some readers.
    while (end > 0 && text[end - 1] === slash) end--;
    return text.subarray(0, end);
  };
  const number = (field: (typeof numberRecords)[number]): bigint =>
    fitsOctal(field, values[field]) ? values[field] : 0n;
  return {
    ...values,
    name: cut("name"),
    linkName: cut("linkName"),
    user: cut("user"),
    group: cut("group"),
    uid: number("uid"),
    gid: number("gid"),
    size: number("size"),
    mtime: number("mtime"),
  };
}

function headerBlock(values: HeaderValues): Buffer {
  const block = Buffer.alloc(blockBytes);
  const put = (field: Field, bytes: Buffer): unknown => bytes.copy(block, fields[field][0], 0, fields[field][1]);
  for (const field of ["name", "linkName", "user", "group", "prefix"] as const) put(field, values[field]);
  for (const field of ["mode", "uid", "gid", "size", "mtime"] as const) put(field, octal(field, values[field]));
  if (values.type !== "extended") {
    put("deviceMajor", octal("deviceMajor", 0n));
    put("deviceMinor", octal("deviceMinor", 0n));
  }
  put("type", Buffer.from(typeFlags[values.type]));
  put("magic", magic);
  // The sum of all bytes, those of its own field taken as spaces: six digits, a NUL and a space.
  block.fill(" ", fields.checksum[0], fields.checksum[0] + fields.checksum[1]);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put("checksum", Buffer.from(`${sum.toString(8).padStart(6, "0")}\0 `, "latin1"));
  return block;
}

/** Digits up to one before the field's end, where a NUL stays. */
function octal(field: Field, value: bigint): Buffer {
  return Buffer.from(value.toString(8).padStart(fields[field][1] - 1, "0"));
}

function fitsOctal(field: Field, value: bigint): boolean {
  return value >= 0n && value < 1n << BigInt((fields[field][1] - 1) * 3);
}

/** The header has a second field for the beginning of a long name, up to a slash. */
function splitName(name: Buffer): { readonly prefix: Buffer; readonly suffix: Buffer } | undefined {
  if (name.length <= fields.name[1] || !isAscii(name)) return undefined;
  const longest = fields.prefix[1] + 1;
  const end = name.length > longest ? longest : name.at(-1) === slash ? name.length - 1 : name.length;
  const at = name.subarray(0, end).lastIndexOf(slash);
  const suffix = name.subarray(at + 1);
  if (at <= 0 || suffix.length === 0 || suffix.length > fields.name[1] || at > fields.prefix[1]) return undefined;
  return { prefix: name.subarray(0, at), suffix };
}

function isAscii(text: Buffer): boolean {
  return text.every((byte) => byte < 0x80);
}

function asciiOf(text: Buffer): Buffer {
  return text.filter((byte) => byte < 0x80) as Buffer;
}

function padding(sizeBytes: number): Buffer {
  return Buffer.alloc((blockBytes - (sizeBytes % blockBytes)) % blockBytes);
}
