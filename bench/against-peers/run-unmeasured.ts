// Commands that prepare what is measured.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

/**
 * Waits without stopping this process, which may be the way to the store.
 * @returns what the program printed. @throws Error with its words when it ends with anything but 0.
 */
export async function runUnmeasured(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const [program = "", ...args] = words;
  const options = { env: { ...process.env, ...env }, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 } as const;
  const { stdout } = await promisify(execFile)(program, args, options);
  return stdout;
}
