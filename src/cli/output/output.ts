// The one place where the command line writes: results on stdout, errors on stderr, JSON or text, and a live status
// at the bottom of a terminal that everything else is printed above.

/** The part of a stream that is needed; tests give their own. */
export interface TextSink {
  write(text: string | Uint8Array, done?: (error?: Error | null) => void): boolean;
  readonly isTTY?: boolean;
  readonly columns?: number;
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

  constructor(options: OutputOptions) {
    this.#stdout = options.stdout;
    this.#stderr = options.stderr;
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

  /** A line for people; dropped with --json and --quiet. */
  print(text: string): void {
    if (this.#json || this.#quiet) return;
    this.clearStatus();
    this.#stdout.write(`${text}\n`);
  }

  /** The answer that was asked for, whatever the verbosity: a document or a table, newline included. */
  result(text: string | Uint8Array): void {
    this.clearStatus();
    this.#stdout.write(text);
  }

  /** Raw bytes with back-pressure: resolves when the stream has taken them. */
  async stream(bytes: Uint8Array): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#stdout.write(bytes, (error) => (error == null ? resolve() : reject(error)));
    });
  }

  /** One JSON message on a line of its own on stdout. */
  message(value: object): void {
    this.#stdout.write(`${JSON.stringify(value)}\n`);
  }

  /** A problem that does not end the command: text, or with --json the message, on stderr. */
  warn(text: string, message?: object): void {
    this.clearStatus();
    this.#stderr.write(
      this.#json ? `${JSON.stringify(message ?? { message_type: "error", error: { message: text } })}\n` : `${text}\n`,
    );
  }

  /** The last word of a command that failed. */
  fatal(text: string, code: number): void {
    this.clearStatus();
    this.#stderr.write(
      this.#json ? `${JSON.stringify({ message_type: "exit_error", code, message: text })}\n` : `${text}\n`,
    );
  }

  /** Replaces the live lines at the bottom of the terminal. */
  status(lines: readonly string[]): void {
    if (!this.isTerminal || this.#json || this.#quiet) return;
    const width = Math.max(20, (this.#stdout.columns ?? 80) - 1);
    const fitted = lines.map((line) => (line.length > width ? `${line.slice(0, width - 1)}…` : line));
    this.clearStatus();
    this.#stdout.write(fitted.map((line) => `${line}\n`).join(""));
    this.#statusLines = fitted.length;
  }

  /** Removes the live lines. */
  clearStatus(): void {
    if (this.#statusLines > 0) this.#stdout.write(`\x1b[${this.#statusLines}A\x1b[J`);
    this.#statusLines = 0;
  }

  /** Resolves when everything that was written has left the process. */
  async flush(): Promise<void> {
    this.clearStatus();
    for (const sink of [this.#stdout, this.#stderr]) {
      await new Promise<void>((resolve) => {
        sink.write("", () => resolve());
      });
    }
  }
}
