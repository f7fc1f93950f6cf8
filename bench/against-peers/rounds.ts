// The runs of one shape, looked at round by round: ratios are taken within a round, because machines are noisy, and then the
// median of the rounds.
import { type ContestantName, contestantNames } from "./contestants.ts";
import type { Run } from "./results.ts";

type Figure = Exclude<keyof Run, "round" | "step" | "contestant">;

/** One step in one round. */
export interface RoundView {
  /** NaN when it was not measured. */
  of(contestant: ContestantName, figure: Figure, step?: string): number;
  /** The smallest one of the others'; NaN when nobody else was measured. */
  better(figure: Figure): number;
}

export class Rounds {
  readonly #runs: readonly Run[];
  readonly #rounds: number;

  constructor(runs: readonly Run[]) {
    this.#runs = runs;
    this.#rounds = 1 + Math.max(0, ...runs.map(({ round }) => round));
  }

  /** Who took part in a step. */
  participants(step: string): ContestantName[] {
    return contestantNames.filter((name) => this.#runs.some((run) => run.step === step && run.contestant === name));
  }

  /** Of one value for each round; rounds without one are left out. NaN when nothing is left. */
  median(step: string, value: (round: RoundView) => number): number {
    const values = this.#values(step, value);
    return values[Math.floor(values.length / 2)] ?? Number.NaN;
  }

  most(step: string, value: (round: RoundView) => number): number {
    return this.#values(step, value).at(-1) ?? Number.NaN;
  }

  #values(step: string, value: (round: RoundView) => number): number[] {
    const views = Array.from({ length: this.#rounds }, (_, round) => this.#view(round, step));
    const values = views.map(value).filter((one) => !Number.isNaN(one));
    return values.sort((a, b) => a - b);
  }

  #view(round: number, step: string): RoundView {
    const of: RoundView["of"] = (contestant, figure, other = step) =>
      this.#runs.find((run) => run.round === round && run.step === other && run.contestant === contestant)?.[figure] ??
      Number.NaN;
    const better: RoundView["better"] = (figure) => {
      const others = contestantNames.filter((name) => name !== "stowage");
      const peers = others.map((name) => of(name, figure)).filter((value) => !Number.isNaN(value));
      return peers.length === 0 ? Number.NaN : Math.min(...peers);
    };
    return { of, better };
  }
}
