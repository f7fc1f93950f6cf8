// Runs one test file in a process group of its own, with a time limit. Whatever the file started and left behind ends
// with it; leaving something behind that keeps the process alive is a failure of the file.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ResultLine } from "./result-lines.ts";

export interface FileResult {
  readonly file: string;
  readonly results: readonly ResultLine[];
  /** What the file printed, on both streams, in order. */
  readonly output: string;
  readonly durationMs: number;
}

const running = new Set<ChildProcess>();

/** @param file path from the root of the tree, which is the working directory. */
export async function runTestFile(file: string, timeoutMs: number): Promise<FileResult> {
  const startedAt = performance.now();
  const linesPath = join(tmpdir(), `stowage-results-${process.pid}-${file.replaceAll("/", "-")}.jsonl`);
  const args = ["--test-reporter=./test/result-lines.ts", `--test-reporter-destination=${linesPath}`, file];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"], detached: true });
  running.add(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const timer = setTimeout(
    () => resolve(`took longer than ${timeoutMs / 1000} s, or did not end after its last test`),
    timeoutMs,
  );
  child.once("error", (error) => resolve(`could not be started: ${error.message}`));
  child.once("exit", (code, signal) => resolve(code === 0 ? undefined : `ended with ${signal ?? `status ${code}`}`));
  const problem = await promise;
  clearTimeout(timer);
  endGroup(child);
  running.delete(child);
  const lines = takeLines(linesPath);
  const results = lines.filter((line) => line.outcome !== "begun");
  // node:test ends with status 1 after a failure; that alone is no second one.
  const isExplained = problem === "ended with status 1" && results.some((result) => result.outcome === "failed");
  if (problem !== undefined && !isExplained) {
    results.push(brokenFile(problem, unfinished(lines)));
  } else if (results.length === 0) results.push(brokenFile("has no test"));
  return { file, results, output, durationMs: performance.now() - startedAt };
}

/** For Ctrl-C: ends what is running. */
export function endRunningFiles(): void {
  for (const child of running) endGroup(child);
}

function takeLines(linesPath: string): ResultLine[] {
  let text = "";
  try {
    text = readFileSync(linesPath, "utf8");
  } catch {
    // The process ended before it could report anything.
  }
  rmSync(linesPath, { force: true });
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  return whole
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as ResultLine);
}

/** Places of tests that had begun and not ended, outer suites among them. */
function unfinished(lines: readonly ResultLine[]): string[] {
  const ended = new Set(lines.filter((line) => line.outcome !== "begun").map((line) => line.place));
  const begun = lines.filter((line) => line.outcome === "begun" && !ended.has(line.place));
  return begun.map((line) => `${line.title} (${line.place})`);
}

function brokenFile(problem: string, during: readonly string[] = []): ResultLine {
  const error = during.length === 0 ? problem : `${problem}; tests that had not ended: ${during.join(", ")}`;
  return { outcome: "failed", title: "(the file itself)", place: "1:1", error };
}

function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // Nobody of the group is left.
  }
}
