// Why a transfer was stopped from outside. The reason travels through the abort signal and decides what is written into
// the resource.

/** spec.cancel: the resource ends Failed · deleted: nothing is written · shutdown: it goes back to New. */
export type CancelKind = "requested" | "deleted" | "shutdown";

export class Cancellation extends Error {
  readonly kind: CancelKind;

  constructor(kind: CancelKind, message: string) {
    super(message);
    this.name = "Cancellation";
    this.kind = kind;
  }
}
