// Asking for a secret: on a terminal without echo, otherwise one line of standard input.
import { RepositoryError } from "../../../repo-format/index.ts";

/** Asks on the terminal; the question goes to stderr. @throws RepositoryError "cancelled" for Ctrl-C or the signal */
export async function askSecret(question: string, signal?: AbortSignal): Promise<string> {
  const { stdin, stderr } = process;
  // Before the question: who answers fast would see the first keys echoed.
  stdin.setRawMode(true);
  try {
    stderr.write(question);
    const keys = await collectInput(stdin, { isComplete: hasEndKey, begun: Buffer.alloc(0), signal });
    if (keys.includes(interruptKey)) throw cancelled();
    return lineOfKeys(keys);
  } finally {
    stdin.setRawMode(false);
    stderr.write("\n");
  }
}

/** What came behind the last line that was read: the next question's answer. */
let unread: Buffer = Buffer.alloc(0);

const newline = 0x0a;

/** The next line without its end; "" when there is none. */
export async function readLine(stdin: NodeJS.ReadStream, signal?: AbortSignal): Promise<string> {
  const isComplete = (bytes: Buffer): boolean => bytes.includes(newline);
  const bytes = isComplete(unread) ? unread : await collectInput(stdin, { isComplete, begun: unread, signal });
  const end = bytes.indexOf(newline);
  unread = end === -1 ? Buffer.alloc(0) : bytes.subarray(end + 1);
  return bytes
    .subarray(0, end === -1 ? bytes.length : end)
    .toString("utf8")
    .replace(/\r$/, "");
}

const interruptKey = 0x03;
const endKeys: readonly number[] = [newline, 0x0d, 0x04, interruptKey];
const eraseKeys: readonly string[] = ["\x7f", "\b"];

function hasEndKey(keys: Buffer): boolean {
  return keys.some((key) => endKeys.includes(key));
}

/** What the keys up to the end key have written. */
function lineOfKeys(keys: Buffer): string {
  const end = keys.findIndex((key) => endKeys.includes(key));
  const line: string[] = [];
  for (const character of keys.subarray(0, end === -1 ? keys.length : end).toString("utf8")) {
    if (eraseKeys.includes(character)) line.pop();
    else line.push(character);
  }
  return line.join("");
}

interface InputRequest {
  /** Looks at all that came so far. */
  readonly isComplete: (sofar: Buffer) => boolean;
  readonly begun: Buffer;
  readonly signal: AbortSignal | undefined;
}

/** Reads until that is complete, or to the end of the input. */
function collectInput(stdin: NodeJS.ReadStream, { isComplete, begun, signal }: InputRequest): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  let sofar = begun;
  // At once: what comes later belongs to the next question.
  const stop = (): void => {
    signal?.removeEventListener("abort", onAbort);
    stdin.off("data", onData).off("end", onEnd).off("error", onEnd).pause();
  };
  const onEnd = (): void => {
    stop();
    resolve(sofar);
  };
  const onData = (chunk: Buffer): void => {
    sofar = Buffer.concat([sofar, chunk]);
    if (isComplete(sofar)) onEnd();
  };
  const onAbort = (): void => {
    stop();
    reject(cancelled());
  };
  if (signal?.aborted) onAbort();
  else if (stdin.readableEnded || stdin.destroyed) onEnd();
  else {
    signal?.addEventListener("abort", onAbort);
    stdin.on("data", onData).on("end", onEnd).on("error", onEnd).resume();
  }
  return promise;
}

function cancelled(): RepositoryError {
  return new RepositoryError("cancelled", "interrupted while asking for the password");
}
