// What `backup --stdin` and `--stdin-from-command` read: standard input, or what a command prints.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { posix } from "node:path";
import { createInterface } from "node:readline";
import { addAbortSignal, type Readable } from "node:stream";
import { type ArchiveOptions, RepositoryError } from "../../../repo-format/index.ts";
import { UsageError } from "../usage-error.ts";
import type { PasswordSources } from "./password.ts";

type SourceStream = NonNullable<ArchiveOptions["stream"]>;

export interface StreamFlags {
  readonly stdin?: boolean;
  readonly stdinFilename?: string;
  readonly stdinFromCommand?: boolean;
  readonly filesFrom?: readonly string[];
  readonly filesFromVerbatim?: readonly string[];
  readonly filesFromRaw?: readonly string[];
}

export interface StreamChoice {
  /** The command with its words; only with --stdin-from-command. */
  readonly words: readonly string[];
  readonly stdin: Readable;
  /** Told of each line that the command prints on its standard error. */
  readonly onComplaint: (line: string) => void;
}

/**
 * The stream that the flags ask for; undefined when they name no such thing.
 * @throws UsageError for flags that exclude each other, and for a name that is none
 */
export function sourceStream(flags: StreamFlags, choice: StreamChoice): SourceStream | undefined {
  if (flags.stdin !== true && flags.stdinFromCommand !== true) return undefined;
  const { words, stdin, onComplaint } = choice;
  const lists = { "files-from": flags.filesFrom, "files-from-verbatim": flags.filesFromVerbatim };
  for (const [name, files] of Object.entries({ ...lists, "files-from-raw": flags.filesFromRaw }))
    if (files !== undefined) throw new UsageError(`--stdin and --${name} exclude each other`);
  const path = posix.join("/", flags.stdinFilename ?? "stdin");
  if (path.endsWith("/")) throw new UsageError(`--stdin-filename "${flags.stdinFilename}": this is no name of a file`);
  if (flags.stdinFromCommand === true) {
    if (words.length === 0)
      throw new UsageError("--stdin-from-command: no command is named; write it at the end, behind --");
    return { path, open: (signal) => outputOf(words, { signal, onComplaint }) };
  }
  if (words.length > 0) throw new UsageError("--stdin excludes files and directories; name none of them");
  return { path, open: (signal) => addAbortSignal(signal, stdin) };
}

/** @throws UsageError when standard input would have to give the password and data or a list of files */
export function refuseSharedInput(flags: StreamFlags, password: PasswordSources): void {
  if (password.allowEmpty || (password.file ?? password.command ?? password.value) !== undefined) return;
  const { stdin, filesFrom = [], filesFromVerbatim = [], filesFromRaw = [] } = flags;
  if (stdin !== true && ![...filesFrom, ...filesFromVerbatim, ...filesFromRaw].includes("-")) return;
  throw new UsageError("standard input cannot give both the password and what to store: set RESTIC_PASSWORD_FILE");
}

/** What the command prints. It has failed when its end says so, however much it had printed by then. */
async function* outputOf(
  [program = "", ...words]: readonly string[],
  { signal, onComplaint }: { readonly signal: AbortSignal } & Pick<StreamChoice, "onComplaint">,
): AsyncGenerator<Uint8Array, void, undefined> {
  // Whoever prints for nobody has nothing to finish.
  const child = spawn(program, words, { stdio: ["ignore", "pipe", "pipe"], signal, killSignal: "SIGKILL" });
  const ended = endOf(child, program);
  ended.catch(() => {}); // looked at below
  try {
    const complaints = createInterface({ input: child.stderr });
    complaints.on("line", (line) => onComplaint(`${program}: ${line}`));
    // The end of the command is not the end of its output where others hold on to it: the signal ends both.
    yield* addAbortSignal(signal, child.stdout) as AsyncIterable<Buffer>;
    await ended;
  } finally {
    child.kill("SIGKILL");
    child.stdout.destroy();
    child.stderr.destroy();
  }
}

async function endOf(child: ChildProcess, program: string): Promise<void> {
  const [code, killedBy] = await once(child, "close").catch((cause: Error) => {
    throw failed(`the command ${program} cannot be run: ${cause.message}`, cause);
  });
  if (code === 0) return;
  const status = killedBy === null ? `exit status ${code}` : `signal ${killedBy}`;
  throw failed(`the command ${program} failed: ${status}`);
}

function failed(message: string, cause?: Error): RepositoryError {
  return new RepositoryError("source-failed", message, { cause });
}
