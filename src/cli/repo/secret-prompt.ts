// Asking for a secret: on a terminal without echo, otherwise one line of standard input.
import { RepositoryError } from "../../../repo-format/index.ts";

/** Asks on the terminal; the question goes to stderr. @throws RepositoryError "cancelled" for Ctrl-C or the signal */
export async function askSecret(question: string, signal?: AbortSignal): Promise<string> {
  const { stdin, stderr } = process;
  stderr.write(question);
  stdin.setRawMode(true);
  try {
    return await collectInput(stdin, signal, takeKeys);
  } finally {
    stdin.setRawMode(false);
    stderr.write("\n");
  }
}

/** What came behind the last line that was read: the next question's answer. */
let unread = "";

/** The next line without its end; "" when there is none. */
export async function readLine(stdin: NodeJS.ReadStream, signal?: AbortSignal): Promise<string> {
  const text = unread.includes("\n")
    ? unread
    : await collectInput(stdin, signal, (sofar) => (sofar.includes("\n") ? sofar : undefined), unread);
  const end = text.indexOf("\n");
  unread = end === -1 ? "" : text.slice(end + 1);
  return (end === -1 ? text : text.slice(0, end)).replace(/\r$/, "");
}

const endKeys: ReadonlySet<string> = new Set(["\r", "\n", "\x04"]);

/** Raw keys so far: the line when it is finished. */
function takeKeys(keys: string): string | undefined {
  const end = [...keys].findIndex((key) => endKeys.has(key));
  if (keys.includes("\x03")) throw cancelled();
  if (end === -1) return undefined;
  let line = "";
  for (const key of [...keys].slice(0, end)) line = key === "\x7f" || key === "\b" ? line.slice(0, -1) : line + key;
  return line;
}

/** Reads until `finish` makes a result of all that came so far; at the end of input, what came is the result. */
function collectInput(
  stdin: NodeJS.ReadStream,
  signal: AbortSignal | undefined,
  finish: (sofar: string) => string | undefined,
  begun = "",
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const decoder = new TextDecoder();
  let sofar = begun;
  const onData = (chunk: Buffer): void => {
    sofar += decoder.decode(chunk, { stream: true });
    try {
      const result = finish(sofar);
      if (result !== undefined) resolve(result);
    } catch (error) {
      reject(error);
    }
  };
  const onEnd = (): void => resolve(sofar);
  const onAbort = (): void => reject(cancelled());
  if (signal?.aborted) onAbort();
  signal?.addEventListener("abort", onAbort);
  stdin.on("data", onData).on("end", onEnd).on("error", onEnd).resume();
  return promise.finally(() => {
    signal?.removeEventListener("abort", onAbort);
    stdin.off("data", onData).off("end", onEnd).off("error", onEnd).pause();
  });
}

function cancelled(): RepositoryError {
  return new RepositoryError("cancelled", "interrupted while asking for the password");
}
