// What is measured: each step is one command of each contestant, with what must happen before it and does not count.
import { rmSync } from "node:fs";
import { changeEvolvingTree } from "../corpus.ts";
import type { ContestantName } from "./contestants.ts";
import type { LimitedStep } from "./limit.ts";
import { plantIndex } from "./planted-index.ts";
import { runUnmeasured } from "./run-unmeasured.ts";
import type { Words } from "./session.ts";
import type { Target } from "./targets.ts";
import type { Turn } from "./turn.ts";

/** What the page shows of a step. */
export interface ShownStep {
  readonly name: string;
  readonly limit?: LimitedStep;
  /** How much of the limit's speed is wanted, from 0 to 1. */
  readonly limitShare?: number;
  /** Whose time ours is held against; default: the better one's. */
  readonly rival?: "restic";
  readonly targets?: readonly Target[];
}

export interface Step extends ShownStep {
  /** Who takes part; default: all. */
  readonly only?: ContestantName;
  /** Before the clock runs. */
  readonly prepare?: (turn: Turn) => Promise<void> | void;
  readonly command: (turn: Turn) => Promise<Words> | Words;
  /** After it has stopped. */
  readonly tidy?: (turn: Turn) => void;
  /** The bytes of the repository are counted afterwards. */
  readonly writes?: boolean;
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

/** Index, packs and trees, without the data. */
export const checkStructure: Step = { name: "check", command: ({ session }) => session.check() };

export const listSnapshots: Step = { name: "snapshots", command: ({ session }) => session.listSnapshots() };

/** What is stored is not counted: most of it is not there. @param blobs that the new repository's index lists already. */
export function backupBesideIndex(blobs: number): Step {
  return {
    name: backup.name,
    prepare: async (turn) => {
      await plantIndex(turn.directory(), blobs);
      turn.warm();
    },
    command: backup.command,
  };
}

/** Files whose names end with 0, 1 or 2 are gone, three in ten, so that nearly every pack has something to lose. */
export const prune: Step = {
  name: "prune, 30 % garbage",
  prepare: ({ session, source }) => session.makeGarbage(source, ["file-*0", "file-*1", "file-*2"]),
  command: ({ session }) => session.prune(),
  writes: true,
  // kopia rewrites no pack that is partly used: it is done at once, and its repository is as large as before.
  rival: "restic",
};

const inNewRepository = async (turn: Turn): Promise<void> => {
  await turn.newRepository();
  turn.warm();
};

/** Ours and restic with --no-extra-verify; kopia never verifies. */
export const backupWithoutVerify: Step = {
  name: "first backup, no extra verify",
  prepare: inNewRepository,
  command: ({ session, source }) => session.backup(source, { noExtraVerify: true }),
  writes: true,
  limit: "backup",
};

/** The same by another name, by ours alone and with so many worker threads. */
function withWorkers(step: Step, count: number, name: string, prepare: Step["prepare"]): Step {
  return {
    ...step,
    name,
    only: "stowage",
    ...(prepare === undefined ? {} : { prepare }),
    command: async (turn) => ["env", `STOWAGE_THREADS=${count}`, ...(await step.command(turn))],
  };
}

export const backupWithOneWorker: Step = withWorkers(backup, 1, "first backup, one worker", inNewRepository);
export const backupWithTwoWorkers: Step = withWorkers(backup, 2, "first backup, two workers", inNewRepository);
export const restoreWithOneWorker: Step = withWorkers(restore, 1, "restore, one worker", restore.prepare);
export const restoreWithTwoWorkers: Step = withWorkers(restore, 2, "restore, two workers", restore.prepare);

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
export function wanting<S extends ShownStep>(step: S, ...targets: readonly Target[]): S {
  return { ...step, targets };
}
