// A directory of the source that several parties hold: the walk while it lists it, and every batch of files whose thread
// still has to open them by its descriptor. It is closed when the last one lets go.
import { DirectoryHandle } from "../file-tree/directory-handle.ts";

export class SourceDirectory {
  readonly handle: DirectoryHandle;
  #holders = 1;

  /** Takes over the handle; the caller is the first holder. */
  constructor(handle: DirectoryHandle) {
    this.handle = handle;
  }

  hold(): this {
    this.#holders++;
    return this;
  }

  letGo(): void {
    this.#holders--;
    if (this.#holders === 0) this.handle.close();
    if (this.#holders < 0) throw new Error("bug: a directory was let go twice");
  }

  /** The directory above, whatever its name is now. @throws Node's error. */
  openParent(): SourceDirectory {
    return new SourceDirectory(DirectoryHandle.openRoot(Buffer.concat([this.handle.selfPath(), Buffer.from("/..")])));
  }
}
