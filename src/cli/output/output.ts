// The one place where the command line writes: results on stdout, errors on stderr, JSON or text, and a live status
// at the bottom of a terminal that everything else is printed above. A reader that goes away (`… | head`) is no error
// here: the owner is told once and further writes are dropped.
import { fitColumns, printable } from "./terminal-text.ts";

/** The part of a stream that is needed; tests give their own. */
export interface TextSink {
  write(text: string | Uint8Array, done?: (error?: Error | null) => void): boolean;
  readonly isTTY?: boolean;
  readonly columns?: number;
  on?(event: "error", listener: (error: Error) => void): unknown;
  on?(event: "drain", listener: () => void): unknown;
}

export interface OutputOptions {
  readonly stdout: TextSink;
  readonly stderr: TextSink;
}

export class Output {
  readonly #stdout: TextSink;
  readonly #stderr: TextSink;
  #json = false;
  #quiet = false;
  #verbosity = 0;
  #statusLines = 0;
  #stdoutError: Error | undefined;
  #stderrIsClosed = false;
  /** Present while stdout has more to write than it wants to hold. */
  #backlog: PromiseWithResolvers<void> | undefined;

  /** Called once when stdout takes nothing any more: its reader is gone (EPIPE), or the disk below it is full. */
  onClosed: ((error: Error) => void) | undefined;

  constructor(options: OutputOptions) {
    this.#stdout = options.stdout;
    this.#stderr = options.stderr;
    this.#stdout.on?.("error", (error) => this.#closeStdout(error));
    this.#stdout.on?.("drain", () => this.#endBacklog());
    // Nobody can be told that the place for complaints is gone.
    this.#stderr.on?.("error", () => {
      this.#stderrIsClosed = true;
    });
  }

  /** Chooses JSON or text and how much of it; called once the flags are known. */
  configure(choices: { readonly json: boolean; readonly quiet: boolean; readonly verbosity: number }): void {
    this.#json = choices.json;
    this.#quiet = choices.quiet;
    this.#verbosity = choices.verbosity;
  }

  get isJson(): boolean {
    return this.#json;
  }

  get isQuiet(): boolean {
    return this.#quiet;
  }

  /** 0 normally, 1 with -v, 2 with -vv. */
  get verbosity(): number {
    return this.#verbosity;
  }

  get isTerminal(): boolean {
    return this.#stdout.isTTY === true;
  }

  /** Width for texts that are broken into lines. */
  get columns(): number {
    return Math.min(this.#stdout.columns ?? 100, 120);
  }

  /** Why stdout takes nothing any more; undefined while it does. */
  get stdoutError(): Error | undefined {
    return this.#stdoutError;
  }

  /** A line for people; dropped with --json and --quiet. */
  print(text: string): void {
    if (this.#json || this.#quiet) return;
    this.clearStatus();
    this.#write(`${text}\n`);
  }

  /** The answer that was asked for, whatever the verbosity: a document or a table, newline included. */
  result(text: string | Uint8Array): void {
    this.clearStatus();
    this.#write(text);
  }

  /** Resolves when stdout has room; await it between the parts of a long answer. */
  async ready(): Promise<void> {
    await this.#backlog?.promise;
  }

  /** One JSON message on a line of its own on stdout. */
  message(value: object): void {
    this.#write(`${JSON.stringify(value)}\n`);
  }

  /** A problem that does not end the command: text, or with --json the message, on stderr. */
  warn(text: string, message?: object): void {
    this.clearStatus();
    const json = message ?? { message_type: "error", error: { message: text } };
    this.#complain(this.#json ? JSON.stringify(json) : text);
  }

  /** The last word of a command that failed. */
  fatal(text: string, code: number): void {
    this.clearStatus();
    this.#complain(this.#json ? JSON.stringify({ message_type: "exit_error", code, message: text }) : text);
  }

  /** Replaces the live lines at the bottom of the terminal. */
  status(lines: readonly string[]): void {
    if (!this.isTerminal || this.#json || this.#quiet) return;
    const width = Math.max(20, (this.#stdout.columns ?? 80) - 1);
    const fitted = lines.map((line) => fitColumns(printable(line), width));
    // One write, so that the terminal never shows the lines half replaced.
    this.#write(`${this.#eraseStatus()}${fitted.map((line) => `${line}\n`).join("")}`);
    this.#statusLines = fitted.length;
  }

  /** Removes the live lines. */
  clearStatus(): void {
    if (this.#statusLines > 0) this.#write(this.#eraseStatus());
    this.#statusLines = 0;
  }

  /** Resolves when everything that was written has left the process, or never will. */
  async flush(): Promise<void> {
    this.clearStatus();
    for (const sink of [this.#stdout, this.#stderr]) {
      await new Promise<void>((resolve) => {
        sink.write("", () => resolve());
      });
    }
  }

  #eraseStatus(): string {
    return this.#statusLines > 0 ? `\x1b[${this.#statusLines}A\x1b[J` : "";
  }

  #write(text: string | Uint8Array): void {
    if (this.#stdoutError !== undefined || this.#stdout.write(text)) return;
    if (this.#stdout.on !== undefined) this.#backlog ??= Promise.withResolvers();
  }

  #complain(line: string): void {
    if (!this.#stderrIsClosed) this.#stderr.write(`${line}\n`);
  }

  #closeStdout(error: Error): void {
    this.#endBacklog();
    if (this.#stdoutError !== undefined) return;
    this.#stdoutError = error;
    this.onClosed?.(error);
  }

  #endBacklog(): void {
    this.#backlog?.resolve();
    this.#backlog = undefined;
  }
}
