// Asks the kernel whether it has a part of a file in memory.
import { type Libc, libc } from "./libc.ts";

/** RWF_NOWAIT: a read that would have to wait for a disk fails instead. */
const readWithoutWaiting = 8;

type IsCached = (fd: number, offset: number) => boolean;

/** Whether the byte is in the page cache; true where that cannot be known, and behind the end of the file. */
export const isCached: IsCached = makeIsCached(libc);

function makeIsCached(library: Libc | undefined): IsCached {
  const preadv2 = library?.find("int64_t preadv2(int fd, const void *vector, int count, int64_t offset, int flags)");
  if (library === undefined || preadv2 === undefined) return () => true;
  const byte = Buffer.allocUnsafeSlow(1);
  // struct iovec. One object holds both, or the collector would free the byte that the vector points to.
  const target = { byte, vector: new Uint8Array(BigUint64Array.of(library.addressOf(byte), 1n).buffer) };
  return (fd, offset) => preadv2(fd, target.vector, 1, offset, readWithoutWaiting) >= 0;
}
