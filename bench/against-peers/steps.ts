// What is measured: each step is one command of each contestant, with what must happen before it and does not count.
import { rmSync } from "node:fs";
import { changeEvolvingTree } from "../corpus.ts";
import type { ContestantName } from "./contestants.ts";
import type { LimitedStep } from "./limit.ts";
import { runUnmeasured } from "./run-unmeasured.ts";
import type { Words } from "./session.ts";
import type { Target } from "./targets.ts";
import type { Turn } from "./turn.ts";

export interface Step {
  readonly name: string;
  /** Who takes part; default: all. */
  readonly only?: ContestantName;
  /** Before the clock runs. */
  readonly prepare?: (turn: Turn) => Promise<void> | void;
  readonly command: (turn: Turn) => Promise<Words> | Words;
  /** After it has stopped. */
  readonly tidy?: (turn: Turn) => void;
  /** Of the machine's cores; default: all. */
  readonly cores?: 1;
  /** The bytes of the repository are counted afterwards. */
  readonly writes?: boolean;
  readonly limit?: LimitedStep;
  /** Whose time ours is held against; default: the better one's. */
  readonly rival?: "restic";
  readonly targets?: readonly Target[];
}

export const backup: Step = {
  name: "first backup",
  prepare: (turn) => turn.warm(),
  command: ({ session, source }) => session.backup(source),
  writes: true,
  limit: "backup",
};

/** restic and ours: `cat config`; kopia: `repository status`. */
export const open: Step = { name: "opening alone", command: ({ session }) => session.open() };

export const again: Step = { name: "unchanged again", command: ({ session, source }) => session.backup(source) };

/** As on another machine: nothing is cached. */
export const restore: Step = {
  name: "restore",
  prepare: ({ session }) => session.forgetCache(),
  command: ({ session, source, target }) => session.restore(source, target),
  tidy: (turn) => turn.removeRestored(),
  limit: "restore",
};

export const check: Step = {
  name: "check --read-data",
  command: ({ session }) => session.checkReadData(),
  limit: "check",
};

/** Files whose names end with 0, 1 or 2 are gone, three in ten, so that nearly every pack has something to lose. */
export const prune: Step = {
  name: "prune, 30 % garbage",
  prepare: ({ session, source }) => session.makeGarbage(source, ["file-*0", "file-*1", "file-*2"]),
  command: ({ session }) => session.prune(),
  writes: true,
  // kopia rewrites no pack that is partly used: it is done at once, and its repository is as large as before.
  rival: "restic",
};

/** Ours and restic with --no-extra-verify; kopia never verifies. */
export const backupWithoutVerify: Step = {
  name: "first backup, no extra verify",
  prepare: async (turn) => {
    await turn.newRepository();
    turn.warm();
  },
  command: ({ session, source }) => session.backup(source, { noExtraVerify: true }),
  writes: true,
  limit: "backup",
};

export const backupOnOneCore: Step = {
  ...backup,
  name: "first backup, one core",
  prepare: async (turn) => {
    await turn.newRepository();
    turn.warm();
  },
  cores: 1,
};

export const restoreOnOneCore: Step = { ...restore, name: "restore, one core", cores: 1 };

export const backupWithOneWorker: Step = {
  ...backup,
  name: "first backup, one worker",
  only: "stowage",
  prepare: async (turn) => {
    await turn.newRepository();
    turn.warm();
  },
  command: ({ session, source }) => session.backup(source, { workers: 1 }),
};

/** The tree is lost and put back where it was; its inodes and change times are new, its content is not. */
export const afterRestore: Step = {
  name: "backup after a restore",
  prepare: async ({ session, source }) => {
    const words = await session.restore(source, source);
    rmSync(source, { recursive: true });
    await runUnmeasured(words, session.env);
  },
  command: ({ session, source }) => session.backup(source),
};

/** @param files that the tree was made with. */
export function afterChanges(files: number, fraction: number): Step {
  return {
    name: `backup, ${Math.round(fraction * 100)} % changed`,
    prepare: (turn) => {
      changeEvolvingTree(turn.source, files, fraction);
      turn.warm();
    },
    command: ({ session, source }) => session.backup(source),
    writes: true,
  };
}

/** The step with what is wanted of it. */
export function wanting(step: Step, ...targets: readonly Target[]): Step {
  return { ...step, targets };
}
