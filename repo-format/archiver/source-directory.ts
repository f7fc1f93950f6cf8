// A directory of the source that several parties hold: the walk while it lists it, and every batch of files whose thread
// still has to open them by its descriptor. It is closed when the last one lets go.
import { RepositoryError } from "../errors.ts";
import { DirectoryHandle } from "../file-tree/directory-handle.ts";

/** Where a directory that is not open yet is found, and what it must be then. */
interface Whereabouts {
  readonly parent: SourceDirectory;
  readonly name: Uint8Array;
  readonly identity: Identity;
}

export interface Identity {
  readonly deviceId: bigint;
  readonly inode: bigint;
}

export class SourceDirectory {
  #handle: DirectoryHandle | undefined;
  #whereabouts: Whereabouts | undefined;
  #holders = 1;

  /** Takes over the handle; the caller is the first holder. */
  constructor(handle?: DirectoryHandle) {
    this.#handle = handle;
  }

  /** A directory that lstat saw in this one. @throws RepositoryError "source-unreadable" when another one is there now. */
  enter(name: Uint8Array, identity: Identity): SourceDirectory {
    return new SourceDirectory(openSame({ parent: this, name, identity }));
  }

  /** The same, but opened only when somebody asks for the handle. */
  enterLater(name: Uint8Array, identity: Identity): SourceDirectory {
    const later = new SourceDirectory();
    later.#whereabouts = { parent: this.hold(), name, identity };
    return later;
  }

  /** @throws what `enter` throws, when it is opened only now. */
  get handle(): DirectoryHandle {
    if (this.#handle !== undefined) return this.#handle;
    if (this.#whereabouts === undefined) throw new Error("bug: a directory is asked for that was let go");
    this.#handle = openSame(this.#whereabouts);
    this.#forgetParent();
    return this.#handle;
  }

  /** For those who are going to need the handle. @throws what `handle` throws. */
  open(): this {
    void this.handle;
    return this;
  }

  get isOpen(): boolean {
    return this.#handle !== undefined;
  }

  hold(): this {
    this.#holders++;
    return this;
  }

  letGo(): void {
    this.#holders--;
    if (this.#holders < 0) throw new Error("bug: a directory was let go twice");
    if (this.#holders > 0) return;
    this.#handle?.close();
    this.#forgetParent();
  }

  /** The directory above, whatever its name is now. @throws Node's error. */
  openParent(): SourceDirectory {
    return new SourceDirectory(DirectoryHandle.openRoot(Buffer.concat([this.handle.selfPath(), Buffer.from("/..")])));
  }

  #forgetParent(): void {
    this.#whereabouts?.parent.letGo();
    this.#whereabouts = undefined;
  }
}

/** Opens the directory that lstat saw, and no other one. */
function openSame({ parent, name, identity }: Whereabouts): DirectoryHandle {
  const handle = parent.handle.openChild(name);
  const { deviceId, inode } = handle.identity();
  if (deviceId === identity.deviceId && inode === identity.inode) return handle;
  handle.close();
  throw new RepositoryError("source-unreadable", "another directory took its place while it was being listed");
}
