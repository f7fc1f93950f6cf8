// What is wanted of a step, and whether the measured runs reach it.
import { loadResult } from "./results.ts";
import { Rounds, type RoundView } from "./rounds.ts";

export interface Target {
  readonly what: string;
  readonly value: (round: RoundView) => number;
  readonly bound: number;
  /** Default "at most". */
  readonly sense?: "at most" | "at least";
  /** Which of the rounds' values counts; default "median". */
  readonly takes?: "median" | "most";
  readonly digits?: number;
}

export interface Verdict {
  /** "wall ÷ better peer ≤ 0.60". */
  readonly wanted: string;
  /** "0.71". */
  readonly measured: string;
  readonly isMet: boolean;
}

/** @returns undefined when what it needs was not measured. */
export function judge(target: Target, step: string, rounds: Rounds): Verdict | undefined {
  const { what, value, bound, sense = "at most", takes = "median", digits = 2 } = target;
  const measured = rounds[takes](step, value);
  if (Number.isNaN(measured)) return undefined;
  // Judged as it is shown.
  const shown = Number(measured.toFixed(digits));
  const isMet = sense === "at most" ? shown <= bound : shown >= bound;
  const sign = sense === "at most" ? "≤" : "≥";
  return { wanted: `${what} ${sign} ${bound.toFixed(digits)}`, measured: measured.toFixed(digits), isMet };
}

type Rival = "better peer" | "restic";

const rivalOf = (round: RoundView, rival: Rival, figure: Parameters<RoundView["better"]>[0]): number =>
  rival === "restic" ? round.of("restic", figure) : round.better(figure);

export function wallAgainst(rival: Rival, bound: number): Target {
  const value = (round: RoundView): number => round.of("stowage", "wallSeconds") / rivalOf(round, rival, "wallSeconds");
  return { what: `wall ÷ ${rival}`, bound, value };
}

export function cpuAgainst(rival: Rival, bound: number): Target {
  const value = (round: RoundView): number => round.of("stowage", "cpuSeconds") / rivalOf(round, rival, "cpuSeconds");
  return { what: `CPU ÷ ${rival}`, bound, value };
}

export function storedAgainst(rival: Rival, bound: number): Target {
  const value = (round: RoundView): number => round.of("stowage", "storedBytes") / rivalOf(round, rival, "storedBytes");
  return { what: `stored ÷ ${rival}`, bound, value };
}

/** Each less its own start and key derivation, as the step `openStep` of the same round has measured it. */
export function wallLessOpeningAgainstRestic(openStep: string, bound: number): Target {
  const own = (round: RoundView, name: "stowage" | "restic"): number =>
    round.of(name, "wallSeconds") - round.of(name, "wallSeconds", openStep);
  // A difference below nothing is noise: such a round says nothing.
  const value = (round: RoundView): number => {
    const restic = own(round, "restic");
    return restic > 0 ? Math.max(0, own(round, "stowage")) / restic : Number.NaN;
  };
  return { what: "wall less opening ÷ restic", bound, value };
}

/** A restore's MB/s ÷ those of the step that stored the same bytes. */
export function speedOfBackup(backupStep: string, bound: number): Target {
  const value = (round: RoundView): number =>
    round.of("stowage", "wallSeconds", backupStep) / round.of("stowage", "wallSeconds");
  return { what: "restore MB/s ÷ backup MB/s", bound, sense: "at least", value };
}

/** (user + sys) ÷ wall. */
export function coresBusy(bound: number): Target {
  const value = (round: RoundView): number => round.of("stowage", "cpuSeconds") / round.of("stowage", "wallSeconds");
  return { what: "CPU ÷ wall", bound, sense: "at least", value };
}

/** Our own other way of doing the same. */
export function wallAgainstOwn(otherStep: string, bound: number): Target {
  const value = (round: RoundView): number =>
    round.of("stowage", "wallSeconds") / round.of("stowage", "wallSeconds", otherStep);
  return { what: `wall ÷ our own "${otherStep}"`, bound, value };
}

/** Less what the start and the opening read. @param bytes of the source. */
export function readOfSource(openStep: string, bytes: number, bound: number): Target {
  const opening = (round: RoundView): number => round.of("stowage", "readBytes", openStep);
  return readTarget((round) => round.of("stowage", "readBytes") - opening(round), bytes, bound);
}

/** By what is running already, and its repository open. @param bytes of the source. */
export function readOfBytes(bytes: number, bound: number): Target {
  return readTarget((round) => round.of("stowage", "readBytes"), bytes, bound);
}

function readTarget(read: (round: RoundView) => number, bytes: number, bound: number): Target {
  const what = "bytes read ÷ bytes of the source";
  return { what, bound, digits: 3, value: (round) => read(round) / bytes };
}

/** What a restore of everything fetches ÷ what is stored. */
export function fetchedOfStored(backupStep: string, bound: number): Target {
  const value = (round: RoundView): number =>
    round.of("stowage", "fetchedBytes") / round.of("stowage", "storedBytes", backupStep);
  return { what: "bytes fetched ÷ bytes stored", bound, value };
}

/** The most of all rounds. */
export function peak(bound: number): Target {
  const value = (round: RoundView): number => round.of("stowage", "peakMib");
  return { what: "peak MiB", bound, digits: 0, takes: "most", value };
}

/** Of the agent, for each volume. */
export function apiWrites(bound: number): Target {
  const value = (round: RoundView): number => round.of("stowage", "apiWrites");
  return { what: "API writes a volume", bound, digits: 1, value };
}

/** A tree and how many blobs its repository has. */
export interface KnownSize {
  readonly shape: string;
  readonly blobs: number;
}

/** What the blob table of 54 bytes a blob leaves of the peak ÷ what it leaves in the same step of a smaller shape. */
export function peakBesideTable(step: string, large: KnownSize, small: KnownSize, bound: number): Target {
  const beside = (peakMib: number, { blobs }: KnownSize): number => peakMib - (blobs * 54) / 1024 ** 2;
  const value = (round: RoundView): number => {
    const smallPeak = new Rounds(loadResult(small.shape)?.runs ?? []).most(step, (one) => one.of("stowage", "peakMib"));
    return beside(round.of("stowage", "peakMib"), large) / beside(smallPeak, small);
  };
  return { what: `peak less blob table ÷ that of ${small.shape}`, bound, takes: "most", value };
}
