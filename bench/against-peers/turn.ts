// One contestant's turn at a shape: its repository, its cache, the tree that it backs up and the folder that it restores to,
// all of which are gone when the turn ends.
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Contestant } from "./contestants.ts";
import type { Session } from "./session.ts";
import type { Store } from "./store.ts";

export interface TurnOptions {
  readonly contestant: Contestant;
  readonly store: Store;
  /** The shape's data, which nothing may change. */
  readonly corpus: string;
  /** Back up a copy, which steps may change. */
  readonly onCopy: boolean;
  /** Exists; the turn makes a folder of its own in it. */
  readonly folder: string;
}

/**
 * Of all turns of this process: no repository has the name of one that was before. An S3 server whose files are removed behind its
 * back goes on refusing to make an object "if there is none" where one had been.
 */
let turns = 0;

export class Turn {
  /** What is backed up. */
  readonly source: string;
  readonly target: string;
  readonly contestant: Contestant;
  readonly #store: Store;
  readonly #scratch: string;
  readonly #number = ++turns;
  #repositories = 0;
  #session: Session | undefined;

  constructor({ contestant, store, corpus, onCopy, folder }: TurnOptions) {
    this.contestant = contestant;
    this.#store = store;
    this.#scratch = join(folder, contestant.name);
    this.target = join(this.#scratch, "restored");
    this.source = onCopy ? join(folder, "tree") : corpus;
    rmSync(this.#scratch, { recursive: true, force: true });
    mkdirSync(this.#scratch, { recursive: true });
    if (onCopy) {
      rmSync(this.source, { recursive: true, force: true });
      execFileSync("cp", ["-a", corpus, this.source]);
    }
  }

  get session(): Session {
    if (this.#session === undefined) throw new Error("bug: no repository yet");
    return this.#session;
  }

  /** An empty one, in the place of the one before. */
  async newRepository(): Promise<void> {
    if (this.#repositories > 0) this.#store.remove(this.#name());
    this.#repositories++;
    const scratch = join(this.#scratch, `settings-${this.#repositories}`);
    mkdirSync(scratch);
    this.#session = this.contestant.session(this.#store.place(this.#name()), scratch);
    await this.#session.init();
  }

  /** Where the repository lies. @throws Error when that is no directory. */
  directory(): string {
    const place = this.#store.place(this.#name());
    if (place.kind !== "directory") throw new Error("bug: the repository of this shape lies in no directory");
    return place.path;
  }

  storedBytes(): number {
    return this.#store.storedBytes(this.#name());
  }

  /** @throws Error when the target has not as many files as the source: then nothing was measured. */
  removeRestored(): void {
    const [expected, restored] = [countFiles(this.source), countFiles(this.target)];
    if (restored !== expected) {
      throw new Error(`${this.contestant.name} restored ${restored} files of ${expected}`);
    }
    rmSync(this.target, { recursive: true });
  }

  /** Every byte of the source and every inode is in the page cache afterwards, as far as memory goes. */
  warm(): void {
    warmTree(this.source);
  }

  end(): void {
    this.#store.remove(this.#name());
    rmSync(this.#scratch, { recursive: true, force: true });
  }

  #name(): string {
    return `${this.contestant.name}-${this.#number}-${this.#repositories}`;
  }
}

export function warmTree(folder: string): void {
  const words = [folder, "-type", "f", "-size", "+0", "-exec", "cat", "{}", "+"];
  execFileSync("find", words, { stdio: ["ignore", "ignore", "inherit"] });
}

function countFiles(folder: string): number {
  return execFileSync("find", [folder, "-type", "f", "-printf", "."], { maxBuffer: 64 * 1024 * 1024 }).length;
}
