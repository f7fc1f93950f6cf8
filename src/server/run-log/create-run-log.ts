// Writes a RunLog. Lines are gathered and then gzipped and appended as a member of their own: so the file is whole after
// every append, can be handed out and go on growing, and costs no more memory than the lines that were gathered.
import { randomBytes } from "node:crypto";
import { appendFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { messageOf } from "../../platform/coded-error.ts";
import { createLogger, type Logger } from "../../platform/logger.ts";
import { ResultCollector } from "./result-collector.ts";
import type { ResultPlace, RunLog, RunResults } from "./run-log.ts";

export interface RunLogOptions {
  /** Made when it is not there. */
  readonly scratchDirectory: string;
  /** The process's own: gets the lines from level warn on. */
  readonly log: Logger;
  /** Takes secrets out of a text that others will read. */
  readonly redact: (text: string) => string;
  /** Stands on every line, for example `{ backup: "velero/daily-1" }`. */
  readonly facts: Readonly<Record<string, string>>;
}

const gatheredBytes = 64 << 10;

export async function createRunLog(options: RunLogOptions): Promise<RunLog> {
  await mkdir(options.scratchDirectory, { recursive: true, mode: 0o700 });
  const path = join(options.scratchDirectory, `run-${randomBytes(8).toString("hex")}.log.gz`);
  // Also a log without a line is a gzip file.
  await writeFile(path, gzipSync(""), { mode: 0o600, flag: "wx" });
  return new FileRunLog(path, options);
}

class FileRunLog implements RunLog {
  readonly log: Logger;
  readonly #path: string;
  readonly #processLog: Logger;
  readonly #redact: (text: string) => string;
  readonly #warnings: ResultCollector;
  readonly #errors: ResultCollector;
  #gathered: string[] = [];
  #gatheredLength = 0;
  /** Why lines are lost: a full disk must not end a run that goes well otherwise. */
  #failure: unknown;

  constructor(path: string, { log, redact, facts }: RunLogOptions) {
    this.#path = path;
    this.#processLog = log;
    this.#redact = redact;
    this.#warnings = new ResultCollector("warnings", redact);
    this.#errors = new ResultCollector("errors", redact);
    const toFile = createLogger({ level: "debug", format: "text", write: (line) => this.#write(line) });
    this.log = teeFromWarn(toFile.child(facts), log.child(facts));
  }

  warning(place: ResultPlace, message: string): void {
    this.#warnings.add(place, message);
    this.log.warn(message, factsOf(place));
  }

  error(place: ResultPlace, message: string): void {
    this.#errors.add(place, message);
    this.log.error(message, factsOf(place));
  }

  get warningCount(): number {
    return this.#warnings.count;
  }

  get errorCount(): number {
    return this.#errors.count;
  }

  get results(): RunResults {
    return { warnings: this.#warnings.list, errors: this.#errors.list };
  }

  /** @throws Error when the file could not be written: then lines are missing from it. */
  file(): Promise<string> {
    this.#flush();
    if (this.#failure === undefined) return Promise.resolve(this.#path);
    return Promise.reject(new Error(`the log could not be written to ${this.#path}: ${messageOf(this.#failure)}`));
  }

  async discard(): Promise<void> {
    this.#gathered = [];
    this.#gatheredLength = 0;
    await rm(this.#path, { force: true });
  }

  #write(line: string): void {
    const safe = this.#redact(line);
    this.#gathered.push(safe);
    this.#gatheredLength += safe.length;
    if (this.#gatheredLength >= gatheredBytes) this.#flush();
  }

  #flush(): void {
    if (this.#gathered.length === 0) return;
    const member = gzipSync(this.#gathered.join(""));
    this.#gathered = [];
    this.#gatheredLength = 0;
    try {
      appendFileSync(this.#path, member, { mode: 0o600 });
    } catch (error) {
      if (this.#failure === undefined) {
        this.#processLog.error("a log cannot be written", { path: this.#path, error: messageOf(error) });
      }
      this.#failure = error;
    }
  }
}

function factsOf(place: ResultPlace): Readonly<Record<string, string>> {
  if (place === "velero") return {};
  return place === "cluster" ? { place } : { namespace: place.namespace };
}

/** Every line into the file; the serious ones into the process's log, too. */
function teeFromWarn(file: Logger, process: Logger): Logger {
  return {
    debug: (message, facts) => file.debug(message, facts),
    info: (message, facts) => file.info(message, facts),
    warn: (message, facts) => {
      file.warn(message, facts);
      process.warn(message, facts);
    },
    error: (message, facts) => {
      file.error(message, facts);
      process.error(message, facts);
    },
    child: (facts) => teeFromWarn(file.child(facts), process.child(facts)),
  };
}
