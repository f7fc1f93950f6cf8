// The Backup under way is not this process's any more.

export class RunLost extends Error {
  readonly why: "deleted" | "ended" | "taken over";

  constructor(why: RunLost["why"]) {
    super(`the Backup is not carried out any further: it is ${why}`);
    this.name = "RunLost";
    this.why = why;
  }
}
