// Runs a program to its end and reads from /proc what it took: wall time, processor time, the most memory it had, and the
// bytes that it read.
import { spawn } from "node:child_process";
import { endedChildrenCpuSeconds, usageOf } from "./process-usage.ts";

const pollMs = 10;

export interface Measured {
  readonly wallSeconds: number;
  /** User and system time of all threads and of its own children. */
  readonly cpuSeconds: number;
  /** Up to the last look before the end, as all below. */
  readonly peakMib: number;
  /** By read calls, from files and sockets, in the page cache or not. */
  readonly readBytes: number;
  readonly stdout: string;
}

/** @throws Error with the program's own words when it ends with anything but 0. */
export async function measure(
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Measured> {
  const [program, ...args] = command as [string, ...string[]];
  const start = performance.now();
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const cpuBefore = endedChildrenCpuSeconds();
  let [peakMib, readBytes] = [0, 0];
  const timer = setInterval(() => {
    const usage = usageOf(child.pid ?? 0);
    peakMib = Math.max(peakMib, usage.peakMib);
    readBytes = Math.max(readBytes, usage.readBytes);
  }, pollMs);
  const how = await new Promise<number | string | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve(code ?? signal));
  });
  clearInterval(timer);
  const problem = `${stderr}${stdout}`.slice(-2000);
  if (how !== 0) throw new Error(`${command.join(" ")} ended with ${how}:\n${problem}`);
  const wallSeconds = (performance.now() - start) / 1000;
  return { wallSeconds, cpuSeconds: endedChildrenCpuSeconds() - cpuBefore, peakMib, readBytes, stdout };
}
