// A command line that cannot be carried out as it stands: the message names the flag and what to write instead.

export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UsageError";
  }
}
