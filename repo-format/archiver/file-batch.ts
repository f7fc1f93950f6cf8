// Puts the files of a batch into the columns in which they travel to a thread.
import type { FileStat } from "../file-tree/file-stat.ts";
import { type FileBatch, identityColumns } from "../workers/messages.ts";

export interface BatchFile {
  /** Descriptor of the directory. */
  readonly fd: number;
  readonly name: Uint8Array;
  readonly stat: FileStat;
  readonly limitBytes: number;
}

export function batchColumns(files: readonly BatchFile[]): FileBatch {
  const count = files.length;
  const directories = new Int32Array(count);
  const names = new Uint8Array(files.reduce((sum, file) => sum + file.name.length, 0));
  const nameEnds = new Uint32Array(count);
  const identities = new BigInt64Array(count * identityColumns);
  const sizes = new Float64Array(count);
  const limits = new Float64Array(count);
  let nameEnd = 0;
  for (const [index, { fd, name, stat, limitBytes }] of files.entries()) {
    directories[index] = fd;
    names.set(name, nameEnd);
    nameEnd += name.length;
    nameEnds[index] = nameEnd;
    identities[index * identityColumns] = stat.ino;
    identities[index * identityColumns + 1] = stat.mtimeNs;
    identities[index * identityColumns + 2] = stat.ctimeNs;
    sizes[index] = Number(stat.size);
    limits[index] = limitBytes;
  }
  return { directories, names, nameEnds, identities, sizes, limits };
}
