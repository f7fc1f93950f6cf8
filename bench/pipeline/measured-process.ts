// Runs a program to its end and reads from /proc what it took: wall time, processor time, and the most memory it had.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

const pollMs = 10;
/** Clock ticks a second in /proc/<pid>/stat: the same on every Linux that Node runs on. */
const ticksPerSecond = 100;

export interface Measured {
  readonly wallSeconds: number;
  /** User and system time of all threads, up to the last look before the end. */
  readonly cpuSeconds: number;
  readonly peakMib: number;
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
  let [cpuSeconds, peakMib] = [0, 0];
  const timer = setInterval(() => {
    const usage = usageOf(child.pid ?? 0);
    cpuSeconds = Math.max(cpuSeconds, usage.cpuSeconds);
    peakMib = Math.max(peakMib, usage.peakMib);
  }, pollMs);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  clearInterval(timer);
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}:\n${stderr}${stdout}`);
  return { wallSeconds: (performance.now() - start) / 1000, cpuSeconds, peakMib, stdout };
}

function usageOf(pid: number): { cpuSeconds: number; peakMib: number } {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const peak = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? "0";
    return {
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
      peakMib: Number(peak) / 1024,
    };
  } catch {
    // It has ended.
    return { cpuSeconds: 0, peakMib: 0 };
  }
}
