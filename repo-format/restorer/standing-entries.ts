// What stands in the target before a restore, directory by directory. A directory that the restore is going to make has
// nothing in it, and costs no call at all.

import type { FileStat } from "../file-tree/file-stat.ts";
import { statChild } from "../file-tree/node-metadata.ts";
import type { Standing } from "./directory-table.ts";
import type { RestorePlan } from "./restore-plan.ts";
import type { TargetDirectories } from "./target-directories.ts";

const nothing: ReadonlySet<string> = new Set();

export class StandingEntries {
  /** Number of the directory in the plan. */
  readonly directory: number;
  readonly #target: TargetDirectories | undefined;
  readonly #names: ReadonlySet<string>;

  private constructor(directory: number, target: TargetDirectories | undefined, names: ReadonlySet<string>) {
    this.directory = directory;
    this.#target = target;
    this.#names = names;
  }

  /** @throws Node's error when the directory cannot be read. */
  static of(plan: RestorePlan, target: TargetDirectories | undefined, directory: number): StandingEntries {
    const isThere = plan.directories.standing(directory) === "directory";
    if (target === undefined || !isThere) return StandingEntries.none(directory);
    return new StandingEntries(directory, target, new Set(target.open(directory).readLatin1Names()));
  }

  static none(directory: number): StandingEntries {
    return new StandingEntries(directory, undefined, nothing);
  }

  /** @param name latin1. */
  stat(name: string): FileStat | undefined {
    if (this.#target === undefined || !this.#names.has(name)) return undefined;
    try {
      return statChild(this.#target.open(this.directory), Buffer.from(name, "latin1"));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  standing(name: string): Standing {
    const stat = this.stat(name);
    if (stat === undefined) return "absent";
    return stat.isDirectory() ? "directory" : "other";
  }
}
