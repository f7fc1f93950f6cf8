// Commands that prepare what is measured.
import { execFileSync } from "node:child_process";

/** @returns what the program printed. @throws Error with its words when it ends with anything but 0. */
export function runUnmeasured(words: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  const [program = "", ...args] = words;
  return execFileSync(program, args, {
    env: { ...process.env, ...env },
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 64 * 1024 * 1024,
  });
}
