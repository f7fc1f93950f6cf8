// What may end a command from outside: Ctrl-C, SIGTERM, a bug that nobody caught, a reader of our output that is gone.
// Each aborts one signal, so that the command unwinds in order and its lock is removed.
import type { Output } from "./output/output.ts";

/** Why a command was cut short; the reason that the signal carries. */
export type InterruptionReason =
  | { readonly kind: "signal"; readonly name: NodeJS.Signals }
  | { readonly kind: "output"; readonly error: Error }
  | { readonly kind: "crash"; readonly error: unknown };

/** How long a command gets to unwind after an error that nobody caught, which may have broken its own way out. */
const crashGraceMs = 10_000;

export class Interruption {
  readonly #output: Output;
  readonly #consequence: string;
  readonly #controller = new AbortController();
  readonly #crashed: PromiseWithResolvers<void> = Promise.withResolvers();
  #reason: InterruptionReason | undefined;
  #graceTimer: NodeJS.Timeout | undefined;

  /** @param consequence what a second signal leaves behind. */
  constructor(output: Output, consequence = "leaves the lock behind") {
    this.#output = output;
    this.#consequence = consequence;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get reason(): InterruptionReason | undefined {
    return this.#reason;
  }

  /** Resolves some time after an uncaught error: nothing more is to be expected of the command. */
  get gaveUp(): Promise<void> {
    return this.#crashed.promise;
  }

  listen(): void {
    process.on("SIGINT", this.#onSignal);
    process.on("SIGTERM", this.#onSignal);
    // restic finds out whether a lock's owner lives by sending SIGHUP, whose default would end us.
    process.on("SIGHUP", this.#onHangup);
    process.on("uncaughtException", this.#onCrash);
    process.on("unhandledRejection", this.#onCrash);
  }

  stopListening(): void {
    clearTimeout(this.#graceTimer);
    process.off("SIGINT", this.#onSignal);
    process.off("SIGTERM", this.#onSignal);
    process.off("SIGHUP", this.#onHangup);
    process.off("uncaughtException", this.#onCrash);
    process.off("unhandledRejection", this.#onCrash);
  }

  interrupt(reason: InterruptionReason): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#controller.abort(reason);
  }

  readonly #onSignal = (name: NodeJS.Signals): void => {
    // Asked a second time, the default applies and the process ends at once.
    process.off("SIGINT", this.#onSignal);
    process.off("SIGTERM", this.#onSignal);
    const text = `${name}: cleaning up; a second one ends at once and ${this.#consequence}`;
    this.#output.warn(text, { message_type: "interrupted", signal: name });
    this.interrupt({ kind: "signal", name });
  };

  readonly #onHangup = (): void => undefined;

  readonly #onCrash = (error: unknown): void => {
    // What is cut short fails, and not every failure finds somebody who still waits for it.
    if (this.#reason !== undefined && isCancellation(error)) return;
    this.interrupt({ kind: "crash", error });
    this.#graceTimer ??= setTimeout(() => this.#crashed.resolve(), crashGraceMs);
  };
}

function isCancellation(error: unknown): boolean {
  const { name, code } = (error ?? {}) as { name?: unknown; code?: unknown };
  return name === "AbortError" || code === "cancelled" || code === "ABORT_ERR";
}
