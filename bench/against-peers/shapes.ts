// The shapes: a tree, where its repositories lie, what is done with it, and what is wanted of us there.
import { objectsShape } from "../control-plane/objects-shape.ts";
import { agentShapes } from "../through-agent/agent-shapes.ts";
import { type Corpus, corpora, evolvingFiles, scaledBy, tenthOfC1, wholeC1 } from "./corpora.ts";
import type { ProcessShape, Shape } from "./shape.ts";
import * as steps from "./steps.ts";
import * as targets from "./targets.ts";

const { wallAgainst, cpuAgainst, storedAgainst, peak } = targets;
const { wanting } = steps;
const small = peak(256);
const unchanged = wanting(steps.again, targets.wallLessOpeningAgainstRestic(steps.open.name, 0.6), small);
const checked = wanting(steps.check, wallAgainst("better peer", 0.5), small);
const pruned = wanting(steps.prune, wallAgainst("restic", 0.5), small);

function restored(wall: number): steps.Step {
  return wanting(steps.restore, wallAgainst("better peer", wall), targets.speedOfBackup(steps.backup.name, 0.8), small);
}

const local: readonly ProcessShape[] = [
  {
    name: "large",
    what: "2 GiB in 4 files, half random, half text of a 5,000-word vocabulary",
    corpus: corpora.large,
    steps: () => [
      wanting(
        { ...steps.backup, limitShare: 0.6 },
        wallAgainst("better peer", 0.6),
        wallAgainst("restic", 0.45),
        cpuAgainst("restic", 0.75),
        storedAgainst("restic", 1.02),
        small,
      ),
      steps.open,
      unchanged,
      { ...restored(0.5), limitShare: 0.6 },
      checked,
      wanting(steps.backupWithoutVerify, wallAgainst("better peer", 0.5), small),
    ],
    minutesPerRound: 4,
    isUsual: true,
  },
  {
    name: "small",
    what: "40,000 small files, sizes lognormal, random and text in turn",
    corpus: corpora.small,
    steps: () => [
      wanting(steps.backup, wallAgainst("better peer", 0.6), small),
      steps.open,
      unchanged,
      restored(0.6),
      checked,
      pruned,
    ],
    minutesPerRound: 2,
    isUsual: true,
  },
  {
    name: "medium",
    what: "1,000 files of 1 MB, random and text in turn",
    corpus: corpora.medium,
    steps: () => [steps.backup, steps.open, steps.again, steps.restore, checked, pruned],
    minutesPerRound: 2,
    isUsual: true,
  },
  wide("empty-wide", "419,430 empty files in 239,675 directories", corpora.emptyWide),
  wide("tiny", "235,298 files of 100 B in 137,257 directories", corpora.tiny),
  {
    name: "huge",
    what: "one file of 8 GiB, 16 MiB random and 16 MiB text in turn; by default, with one worker thread and with two",
    corpus: corpora.huge,
    steps: () => [
      wanting(steps.backup, small),
      wanting(steps.restore, small),
      wanting(steps.backupWithOneWorker, small),
      wanting(steps.restoreWithOneWorker, small),
      wanting(
        steps.backupWithTwoWorkers,
        targets.coresBusy(1.8),
        targets.wallAgainstOwn(steps.backupWithOneWorker.name, 1),
        small,
      ),
      wanting(
        steps.restoreWithTwoWorkers,
        targets.coresBusy(1.8),
        targets.wallAgainstOwn(steps.restoreWithOneWorker.name, 1),
        small,
      ),
    ],
    minutesPerRound: 12,
  },
  {
    name: "evolving",
    what: "77,000 text files; then 6 %, 60 % and 90 % of them changed",
    corpus: corpora.evolving,
    onCopy: true,
    steps: (scale) =>
      [steps.backup, ...[0.06, 0.6, 0.9].map((part) => steps.afterChanges(scaledBy(scale)(evolvingFiles), part))].map(
        (step) => wanting(step, wallAgainst("better peer", 0.6), storedAgainst("restic", 1.05), small),
      ),
    minutesPerRound: 5,
  },
  {
    name: "after-restore",
    what: "2 GiB in 4 files, backed up, lost, restored and at once backed up again",
    corpus: corpora.large,
    onCopy: true,
    steps: (scale) => [
      steps.backup,
      steps.open,
      wanting(
        steps.afterRestore,
        targets.readOfSource(steps.open.name, corpora.large.expected(scaledBy(scale)).bytes, 0.01),
        small,
      ),
    ],
    minutesPerRound: 3,
  },
  {
    name: "million-blobs",
    what: "1,000 small files beside an index of 1,000,000 blobs",
    corpus: corpora.few,
    contestants: ["stowage", "restic"],
    steps: (scale) => [
      wanting(steps.backupBesideIndex(scaledBy(scale)(1_000_000)), small),
      wanting(steps.again, small),
      wanting(steps.listSnapshots, small),
      wanting(steps.restore, small),
      wanting(steps.checkStructure, small),
    ],
    minutesPerRound: 2,
  },
  {
    name: "c1",
    what: "4,194,304 empty files in 2,396,745 directories, by ours alone",
    corpus: corpora.c1,
    contestants: ["stowage"],
    steps: (scale) => [steps.backup, steps.again, steps.restore].map((step) => wanting(step, ...grown(step, scale))),
    minutesPerRound: 50,
    maxRounds: 1,
  },
];

/** What ten times the entries may cost in memory; every directory is a blob. */
function grown({ name }: steps.ShownStep, scale: number): targets.Target[] {
  const whole = { shape: "c1", blobs: wholeC1.directories };
  const tenth = { shape: "empty-wide", blobs: tenthOfC1.directories };
  return [peak(384), ...(scale === 1 ? [targets.peakBesideTable(name, whole, tenth, 1.2)] : [])];
}

/** A tenth of two cases that Velero publishes. */
function wide(name: string, what: string, corpus: Corpus): ProcessShape {
  const wall = wallAgainst("better peer", 0.4);
  return {
    name,
    what,
    corpus,
    steps: () => [
      wanting(steps.backup, wall, storedAgainst("restic", 1), small),
      steps.open,
      wanting(steps.again, wall, small),
      wanting(steps.restore, wall, small),
    ],
    minutesPerRound: 8,
  };
}

function remote(corpus: Corpus, what: string, delayMs: number): ProcessShape {
  const isSlow = delayMs === 100;
  const wall = isSlow ? [wallAgainst("better peer", 0.5)] : [];
  return {
    name: `s3-${corpus.name}-${delayMs}`,
    what: `${what}, on S3 with ${delayMs} ms added to each request`,
    corpus,
    delayMs,
    steps: () => [
      wanting(steps.backup, ...wall, small),
      steps.open,
      wanting(steps.again, ...wall, small),
      wanting(steps.restore, ...wall, targets.fetchedOfStored(steps.backup.name, 1.1), small),
    ],
    minutesPerRound: isSlow ? 6 : 3,
  };
}

export const shapes: readonly Shape[] = [
  ...local,
  ...[0, 20, 100].flatMap((delayMs) => [
    remote(corpora.small, "40,000 small files", delayMs),
    remote(corpora.medium, "1,000 files of 1 MB", delayMs),
  ]),
  ...agentShapes,
  objectsShape,
];

/**
 * @param names of shapes, or beginnings of such names up to a hyphen: "s3" is all that begin with "s3-"; or "all".
 * @throws Error that lists the shapes when a name is none.
 */
export function selectShapes(names: readonly string[]): readonly Shape[] {
  for (const name of names) {
    if (shapes.some((shape) => isNamed(shape, name))) continue;
    throw new Error(`no shape is called "${name}"; there are ${shapes.map((shape) => shape.name).join(", ")}`);
  }
  return shapes.filter((shape) =>
    names.length === 0 ? shape.isUsual === true : names.some((name) => isNamed(shape, name)),
  );
}

function isNamed(shape: Shape, name: string): boolean {
  return name === "all" || shape.name === name || shape.name.startsWith(`${name}-`);
}
