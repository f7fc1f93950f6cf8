// What a running process has used so far, as /proc tells.
import { readFileSync, writeFileSync } from "node:fs";

/** Clock ticks a second in /proc/<pid>/stat: the same on every Linux that Node runs on. */
const ticksPerSecond = 100;

export interface ProcessUsage {
  /** User and system time of all threads. */
  readonly cpuSeconds: number;
  /** The most that was resident since the start, or since `forgetPeak`. */
  readonly peakMib: number;
  /** By read calls, from files and sockets, in the page cache or not. */
  readonly readBytes: number;
}

/** @returns zeros when it has ended. */
export function usageOf(pid: number): ProcessUsage {
  try {
    const peak = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? "0";
    const read = /^rchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, "latin1"))?.[1] ?? "0";
    return { cpuSeconds: cpuSeconds(pid, 11), peakMib: Number(peak) / 1024, readBytes: Number(read) };
  } catch {
    return { cpuSeconds: 0, peakMib: 0, readBytes: 0 };
  }
}

/** The peak begins anew with what is resident now. */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

/** What the kernel has added up of all children of this process that have ended. */
export function endedChildrenCpuSeconds(): number {
  return cpuSeconds("self", 13);
}

/** @param field of the user time; the system time comes after it. Counted from the state, which follows the name. */
function cpuSeconds(process: number | "self", field: number): number {
  const stat = readFileSync(`/proc/${process}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[field]) + Number(fields[field + 1])) / ticksPerSecond;
}
