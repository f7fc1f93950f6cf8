// Linux keeps access control lists as an extended attribute in a binary form; tar archives hold them as text with numbers for
// the accounts (acl(5), long text form).

const headerBytes = 4;
const entryBytes = 8;
const knownVersion = 2;

/** Tag of an entry → its word, and whether a number of an account follows. */
const tags: ReadonlyMap<number, { readonly word: string; readonly hasId: boolean }> = new Map([
  [0x01, { word: "user", hasId: false }],
  [0x02, { word: "user", hasId: true }],
  [0x04, { word: "group", hasId: false }],
  [0x08, { word: "group", hasId: true }],
  [0x10, { word: "mask", hasId: false }],
  [0x20, { word: "other", hasId: false }],
]);

/** One line an entry; undefined when the bytes are no list of a known version. */
export function aclText(acl: Buffer): string | undefined {
  const isWhole = acl.length >= headerBytes && (acl.length - headerBytes) % entryBytes === 0;
  if (!isWhole || acl.readUInt32LE(0) !== knownVersion) return undefined;
  let text = "";
  for (let at = headerBytes; at < acl.length; at += entryBytes) {
    const tag = tags.get(acl.readUInt16LE(at));
    if (tag === undefined) return undefined;
    const rights = acl.readUInt16LE(at + 2);
    const letters = [...("rwx" as const)].map((letter, index) => ((rights & (4 >> index)) === 0 ? "-" : letter));
    text += `${tag.word}:${tag.hasId ? acl.readUInt32LE(at + 4) : ""}:${letters.join("")}\n`;
  }
  return text;
}
