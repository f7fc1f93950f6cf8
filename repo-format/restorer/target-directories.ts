// The directories of the target while a plan is carried out: opened one below the other from the target itself, never
// through a link, and kept open while they are in use. Only the target's own path is trusted.

import { RepositoryError } from "../errors.ts";
import type { DirectoryHandle } from "../file-tree/directory-handle.ts";
import { directoryMark } from "./directory-table.ts";
import type { RestorePlan } from "./restore-plan.ts";

const maxOpenDirectories = 128;

interface HeldDirectory {
  readonly handle: DirectoryHandle;
  users: number;
}

export class TargetDirectories {
  readonly #plan: RestorePlan;
  readonly #root: DirectoryHandle;
  /** In the order of use, the longest unused first; the target itself is not in it, nor are those that are held. */
  readonly #open = new Map<number, DirectoryHandle>();
  /** Those that a task works in. */
  readonly #held = new Map<number, HeldDirectory>();

  /** @param root stays with the caller. */
  constructor(plan: RestorePlan, root: DirectoryHandle) {
    this.#plan = plan;
    this.#root = root;
  }

  /**
   * The directory of a row; valid until the next call. It is opened where the plan says it is.
   * @throws Node's error (ENOTDIR: a link or a file stands there), "target-unwritable" below a blocked directory.
   */
  open(directory: number): DirectoryHandle {
    const chain: number[] = [];
    let current = directory;
    while (current > 0 && !this.#open.has(current) && !this.#held.has(current)) {
      chain.push(current);
      current = this.#plan.directories.parent(current);
    }
    let handle = this.#handleOf(current);
    while (chain.length > 0) {
      const next = chain.pop() as number;
      handle = this.#openBelow(handle, next);
    }
    return handle;
  }

  /** The same, valid until `release`: a task that makes files in it must not lose its descriptor. */
  hold(directory: number): DirectoryHandle {
    const handle = this.open(directory);
    if (directory === 0) return handle;
    const held = this.#held.get(directory);
    if (held === undefined) {
      this.#held.set(directory, { handle, users: 1 });
      this.#open.delete(directory);
    } else {
      held.users++;
    }
    return handle;
  }

  release(directory: number): void {
    const held = this.#held.get(directory);
    if (held === undefined || --held.users > 0) return;
    this.#held.delete(directory);
    this.#keep(directory, held.handle);
  }

  /** No directory may be held. */
  close(): void {
    for (const handle of this.#open.values()) handle.close();
    this.#open.clear();
  }

  #handleOf(directory: number): DirectoryHandle {
    const handle = this.#open.get(directory);
    if (handle === undefined) return this.#held.get(directory)?.handle ?? this.#root;
    this.#open.delete(directory);
    this.#open.set(directory, handle);
    return handle;
  }

  #openBelow(parent: DirectoryHandle, directory: number): DirectoryHandle {
    const { directories } = this.#plan;
    if (directories.is(directory, directoryMark.blocked)) {
      throw new RepositoryError("target-unwritable", "its directory could not be made");
    }
    const handle = parent.openChild(directories.nameBytes(directory));
    this.#keep(directory, handle);
    return handle;
  }

  #keep(directory: number, handle: DirectoryHandle): void {
    this.#open.set(directory, handle);
    const [oldest] = this.#open;
    if (this.#open.size > maxOpenDirectories && oldest !== undefined) {
      this.#open.delete(oldest[0]);
      oldest[1].close();
    }
  }
}
