// What a command on a cluster cannot do for a reason that lies in the cluster, with the step that helps.

export class CommandError extends Error {
  /** What to do next, as a command or a sentence. */
  readonly next: string;

  constructor(message: string, next: string) {
    super(message);
    this.name = "CommandError";
    this.next = next;
  }
}

/** The server has not answered in time: asking it for something else would only take as long again. */
export class SilentServerError extends CommandError {}
