// A failed step of a transfer, in the words that Velero's agent uses for it: "<what>: <why>".

import { asCodedError, explainError } from "../../src/platform/coded-error.ts";

export class TransferFailure extends Error {
  /** The code of the error behind it, for metrics. */
  readonly code: string;

  constructor(what: string, cause: unknown) {
    super(`${what}: ${explainError(cause)}`, { cause });
    this.name = "TransferFailure";
    this.code = asCodedError(cause)?.code ?? "unexpected";
  }
}

/** Runs one step; its failure says which step it was. A cancelled step throws the signal's reason unchanged. */
export async function duringStep<T>(what: string, signal: AbortSignal, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof TransferFailure ? error : new TransferFailure(what, error);
  }
}
