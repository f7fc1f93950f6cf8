// An open directory and the names in it. Children are addressed by its descriptor, or as /proc/self/fd/<n>/<name>, which is
// the same in plain Node: whatever happens to the path above, a child is looked up in exactly this directory, and no link
// is followed.
import { closeSync, constants, openSync } from "node:fs";
import { RepositoryError } from "../errors.ts";
import type { FileStat } from "./file-stat.ts";
import { systemCalls } from "./system-calls.ts";

const openFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** No program can open a path of more than 4096 bytes by its name: far longer ones are made only to exhaust somebody. */
export const maxPathBytes = 16_384;

const slash = 0x2f;
const dot = 0x2e;
const itself = new Uint8Array(0);

/** Works in every thread of the process: descriptors are shared. Close it exactly once; there is no finalizer. */
export class DirectoryHandle {
  readonly fd: number;
  /** Whoever opened it closes it: see `SystemCalls.close`. */
  readonly #close: (fd: number) => void;
  #prefix: Buffer | undefined;

  private constructor(fd: number, close: (fd: number) => void = closeSync) {
    this.fd = fd;
    this.#close = close;
  }

  /**
   * Opens a directory that the caller trusts: links in its path, the last component too, are followed.
   * @throws Node's error ENOENT, ENOTDIR, EACCES …
   */
  static openRoot(path: Buffer | string): DirectoryHandle {
    return new DirectoryHandle(openSync(path, openFlags & ~constants.O_NOFOLLOW));
  }

  /** For a descriptor that was opened elsewhere, in another thread for instance; it then belongs to this handle. */
  static ofDescriptor(fd: number): DirectoryHandle {
    return new DirectoryHandle(fd);
  }

  /** @throws ENOTDIR when the child is a link or anything else but a directory. */
  openChild(name: Uint8Array): DirectoryHandle {
    return new DirectoryHandle(this.openEntry(name, openFlags, 0), systemCalls.close);
  }

  /** lstat of a child. @throws RepositoryError "unsafe-name" as `childPath` does; Node's error, ENOENT when it vanished. */
  statEntry(name: Uint8Array): FileStat {
    if (!isSafeName(name)) throw unsafeName(name);
    return systemCalls.statAt(this.fd, name);
  }

  /**
   * The child's path for calls that do not follow a link in the last component.
   * @param name raw bytes of one name.
   * @throws RepositoryError "unsafe-name" for a name that would address anything but a child of this directory.
   */
  childPath(name: Uint8Array): Buffer {
    const prefix = this.#path();
    const start = prefix.length;
    const path = Buffer.allocUnsafe(start + name.length);
    path.set(prefix);
    for (let index = 0; index < name.length; index++) {
      const byte = name[index] as number;
      if (byte === slash || byte === 0) throw unsafeName(name);
      path[start + index] = byte;
    }
    if (isDots(name)) throw unsafeName(name);
    return path;
  }

  /**
   * Opens the child by this descriptor. @param flags O_NOFOLLOW is added.
   * @throws RepositoryError "unsafe-name" as `childPath` does, Node's errors.
   */
  openEntry(name: Uint8Array, flags: number, mode: number): number {
    if (!isSafeName(name)) throw unsafeName(name);
    return systemCalls.openAt(this.fd, name, flags | constants.O_NOFOLLOW, mode);
  }

  /**
   * Makes a directory in this one. @param mode the umask applies.
   * @throws RepositoryError "unsafe-name" as `childPath` does, Node's errors: EEXIST, also where a link stands.
   */
  makeChild(name: Uint8Array, mode: number): void {
    if (!isSafeName(name)) throw unsafeName(name);
    systemCalls.makeDirectoryAt(this.fd, name, mode);
  }

  /** A second handle for the same directory, closed by itself. */
  duplicate(): DirectoryHandle {
    return new DirectoryHandle(openSync(this.selfPath(), openFlags));
  }

  /** The directory itself, as a path that is not affected by renames. */
  selfPath(): Buffer {
    return Buffer.concat([this.#path(), Buffer.from(".")]);
  }

  /** Raw names in ascending order of their bytes, without "." and "..". */
  readNames(): Buffer[] {
    return this.readLatin1Names().map((name) => Buffer.from(name, "latin1"));
  }

  /**
   * The same with one character per byte: such strings sort as their bytes do, ten times as fast as buffers.
   */
  readLatin1Names(): string[] {
    return systemCalls.readDirectory(this.fd).sort();
  }

  /** Device and inode, to tell whether two handles mean the same directory. */
  identity(): { readonly deviceId: bigint; readonly inode: bigint } {
    const { dev, ino } = systemCalls.statAt(this.fd, itself);
    return { deviceId: dev, inode: ino };
  }

  close(): void {
    this.#close(this.fd);
  }

  #path(): Buffer {
    this.#prefix ??= Buffer.from(`/proc/self/fd/${this.fd}/`, "latin1");
    return this.#prefix;
  }
}

/** True when the name addresses a child and nothing else: not empty, no "/", no NUL, not "." or "..". */
export function isSafeName(name: Uint8Array): boolean {
  return !isDots(name) && !name.includes(slash) && !name.includes(0);
}

function isDots(name: Uint8Array): boolean {
  if (name.length > 2) return false;
  return name.length === 0 || (name[0] === dot && (name.length === 1 || name[1] === dot));
}

function unsafeName(name: Uint8Array): RepositoryError {
  const shown = JSON.stringify(Buffer.from(name).toString());
  return new RepositoryError("unsafe-name", `the name ${shown} does not name an entry of its directory`);
}
