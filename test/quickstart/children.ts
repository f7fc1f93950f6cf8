// Programs that the quickstart runs with their output on its own terminal. None outlives it.
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";

const running = new Map<ChildProcess, Promise<number | null>>();
let isEnding = false;

/** Starts a program; `ended` resolves with its exit status, or null when a signal ended it. */
export function startChild(
  program: string,
  args: readonly string[],
  options: SpawnOptions,
): { readonly child: ChildProcess; readonly ended: Promise<number | null> } {
  if (isEnding) throw new Error("interrupted");
  const child = spawn(program, args, options);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code));
  }).finally(() => running.delete(child));
  ended.catch(() => undefined);
  running.set(child, ended);
  return { child, ended };
}

/** Ends what runs, in order first and by force after three seconds; nothing can be started any more. */
export async function endChildren(): Promise<void> {
  isEnding = true;
  const all = [...running];
  for (const [child] of all) child.kill("SIGTERM");
  const force = setTimeout(() => {
    for (const [child] of all) child.kill("SIGKILL");
  }, 3000);
  await Promise.allSettled(all.map(([, ended]) => ended));
  clearTimeout(force);
}
