// Child processes of tests: started with their output kept, waited for until ready, and never left behind. They stay in
// the process group of the test file, which the test runner ends as a whole, and an exit hook ends them besides.
import { type ChildProcess, spawn } from "node:child_process";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export interface ProcessOptions {
  readonly args?: readonly string[];
  readonly cwd?: string;
  /** Added to the environment of the test; undefined takes a variable out. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Written to standard input, which is then closed. Without it the process reads nothing. */
  readonly input?: string | Uint8Array;
}

export interface StartOptions extends ProcessOptions {
  /** For messages; default the program. */
  readonly name?: string;
  /** Asked again and again until it is true; a throw counts as "not yet". */
  readonly isReady?: (process: RunningProcess) => boolean | Promise<boolean>;
  /** Default 30 s. */
  readonly readyTimeoutMs?: number;
  /** Given every piece of output as it comes. */
  readonly onOutput?: (text: string) => void;
}

export interface ProcessEnd {
  /** Exit status, or null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProcessResult extends ProcessEnd {
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningProcess {
  readonly pid: number;
  /** Both streams, in order, so far. */
  output(): string;
  /** Resolves when the process has ended and all its output has been read. */
  readonly ended: Promise<ProcessEnd>;
  hasEnded(): boolean;
  signal(name: NodeJS.Signals): void;
  /** SIGTERM, then SIGKILL after `graceMs` (default 10 s); resolves when it is gone. */
  stop(graceMs?: number): Promise<ProcessEnd>;
}

const alive = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
});

/** Runs a program to its end. Never rejects for a bad exit status: that is for the caller to judge. */
export async function runProcess(program: string, options: ProcessOptions = {}): Promise<ProcessResult> {
  const child = spawnChild(program, options);
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on("data", (piece: Buffer) => stdout.push(piece));
  child.stderr?.on("data", (piece: Buffer) => stderr.push(piece));
  const end = await endOf(child, program);
  return { ...end, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
}

/** @throws Error with the output when the process ends before it is ready, or is not ready in time (it is then ended). */
export async function startProcess(program: string, options: StartOptions = {}): Promise<RunningProcess> {
  const name = options.name ?? program;
  const child = spawnChild(program, options);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      options.onOutput?.(text);
    });
  }
  let endedAs: ProcessEnd | undefined;
  const ended = endOf(child, name).then((end) => {
    endedAs = end;
    return end;
  });
  ended.catch(() => {});
  if (child.pid === undefined) await ended;
  const running: RunningProcess = {
    pid: child.pid ?? -1,
    output: () => output,
    ended,
    hasEnded: () => endedAs !== undefined,
    signal: (signalName) => void child.kill(signalName),
    stop: async (graceMs = 10_000) => {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
      const end = await ended;
      clearTimeout(timer);
      return end;
    },
  };
  await waitUntilReady(running, name, options);
  return running;
}

async function waitUntilReady(running: RunningProcess, name: string, options: StartOptions): Promise<void> {
  const deadline = performance.now() + (options.readyTimeoutMs ?? 30_000);
  while (options.isReady !== undefined) {
    if (running.hasEnded()) {
      const { code, signal } = await running.ended;
      throw new Error(`${name} ended with ${signal ?? `status ${code}`} before it was ready:\n${running.output()}`);
    }
    try {
      if (await options.isReady(running)) return;
    } catch {
      // Not yet: a refused connection, for example.
    }
    if (performance.now() > deadline) {
      await running.stop(0);
      throw new Error(`${name} was not ready in time:\n${running.output()}`);
    }
    await sleep(25);
  }
}

/** Polls until `condition` holds; rejects with `what` after `timeoutMs` (default 30 s). */
export async function eventually(what: string, condition: () => unknown, timeoutMs = 30_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`did not happen within ${timeoutMs / 1000} s: ${what}`);
    await sleep(50);
  }
}

/** A TCP port of the loopback address that nobody listens on now. Somebody may take it before you do: then try again. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject).listen(0, "127.0.0.1", resolve);
  await promise;
  const address = server.address();
  const closed = Promise.withResolvers<void>();
  server.close(() => closed.resolve());
  await closed.promise;
  if (address === null || typeof address === "string") throw new Error("bug: a TCP server has a port");
  return address.port;
}

/** True when somebody accepts connections there. */
export async function isListening(port: number, address: string = "127.0.0.1"): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, address);
  socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
  const answer = await promise;
  socket.destroy();
  return answer;
}

function spawnChild(program: string, { args = [], cwd, env = {}, input }: ProcessOptions): ChildProcess {
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
  alive.add(child);
  // A program that does not read its input to the end is no failure.
  child.stdin?.on("error", () => {}).end(input);
  return child;
}

async function endOf(child: ChildProcess, name: string): Promise<ProcessEnd> {
  const { promise, resolve, reject } = Promise.withResolvers<ProcessEnd>();
  child.once("error", (cause) => reject(new Error(`${name} could not be started: ${cause.message}`, { cause })));
  child.once("close", (code, signal) => resolve({ code, signal }));
  try {
    return await promise;
  } finally {
    alive.delete(child);
  }
}
