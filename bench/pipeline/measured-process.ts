// Runs a program to its end and reads from /proc what it took: wall time, processor time, the most memory it had, and the
// bytes that it read.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

const pollMs = 10;
/** Clock ticks a second in /proc/<pid>/stat: the same on every Linux that Node runs on. */
const ticksPerSecond = 100;

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
  const cpuBefore = childrenCpuSeconds();
  let [peakMib, readBytes] = [0, 0];
  const timer = setInterval(() => {
    const usage = usageOf(child.pid ?? 0);
    peakMib = Math.max(peakMib, usage.peakMib);
    readBytes = Math.max(readBytes, usage.readBytes);
  }, pollMs);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  clearInterval(timer);
  const problem = `${stderr}${stdout}`.slice(-2000);
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}:\n${problem}`);
  const wallSeconds = (performance.now() - start) / 1000;
  return { wallSeconds, cpuSeconds: childrenCpuSeconds() - cpuBefore, peakMib, readBytes, stdout };
}

/** What the kernel has added up of all children that have ended, so that nothing of the last moments is missing. */
function childrenCpuSeconds(): number {
  const stat = readFileSync("/proc/self/stat", "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[13]) + Number(fields[14])) / ticksPerSecond;
}

function usageOf(pid: number): { peakMib: number; readBytes: number } {
  try {
    const peak = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? "0";
    const read = /^rchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, "latin1"))?.[1] ?? "0";
    return { peakMib: Number(peak) / 1024, readBytes: Number(read) };
  } catch {
    // It has ended.
    return { peakMib: 0, readBytes: 0 };
  }
}
