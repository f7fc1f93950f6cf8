// A POSIX access list as the kernel stores it in an extended attribute.

const everything = 7;
const noId = 0xffff_ffff;

/** Owner, user 12345, group, mask and others, with all rights each. */
export const aclForAnotherUser: Buffer = accessList([
  [0x01, noId],
  [0x02, 12_345],
  [0x04, noId],
  [0x10, noId],
  [0x20, noId],
]);

function accessList(entries: readonly (readonly [tag: number, id: number])[]): Buffer {
  const bytes = Buffer.alloc(4 + entries.length * 8);
  bytes.writeUInt32LE(2);
  for (const [index, [tag, id]] of entries.entries()) {
    bytes.writeUInt16LE(tag, 4 + index * 8);
    bytes.writeUInt16LE(everything, 6 + index * 8);
    bytes.writeUInt32LE(id, 8 + index * 8);
  }
  return bytes;
}
