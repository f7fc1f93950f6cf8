// `npm test`: runs the tiers and closes with a line that counts. What needs no real program runs first; then those
// programs are built, the first time only, and the rest runs.
// Usage: run-tiers.ts [TIER…] [part of a file name…]; without tiers, all that belong to every run.
import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";
import { runGates } from "./gates.ts";
import { KnownDurations } from "./known-durations.ts";
import { endRunningFiles, type FileResult, runTestFile } from "./run-file.ts";
import { lanes, type Tier, tiers } from "./tiers.ts";

type Counts = Record<"passed" | "failed" | "skipped", number>;

interface QueuedFile {
  readonly file: string;
  readonly tier: Tier;
}

const root = join(import.meta.dirname, "..");
const words = process.argv.slice(2);
const named = tiers.filter((tier) => words.includes(tier.name));
const nameParts = words.filter((word) => !tiers.some((tier) => tier.name === word));
const selected = named.length > 0 ? named : tiers.filter((tier) => tier.inEveryRun);
const total: Counts = { passed: 0, failed: 0, skipped: 0 };
const tierMs = new Map<string, number>();
const durations = new KnownDurations(join(root, "node_modules", ".cache", "test-durations.json"));

process.chdir(root);
// The tests start the program a thousand times; compiled code that is kept saves a quarter of a second each time.
process.env.NODE_COMPILE_CACHE ??= join(root, "node_modules", ".cache", "compiled");
process.once("exit", endRunningFiles);
for (const [name, status] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const) {
  process.once(name, () => process.exit(status));
}
if (selected.some((tier) => tier.name === "gates") && nameParts.length === 0) await gates();
await runFiles(selected.filter((tier) => tier.peers.length === 0));
await runFiles(selected.filter((tier) => tier.peers.length > 0));
durations.save();
const spent = [...tierMs].map(([name, durationMs]) => `${name} ${seconds(durationMs)}`);
process.stdout.write(`\n${spent.join(", ")}; ${seconds(performance.now())} in all\n`);
process.stdout.write(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;

async function gates(): Promise<void> {
  await runGates(({ name, passed, output, durationMs }) => {
    total[passed ? "passed" : "failed"] += 1;
    process.stdout.write(`${passed ? "ok  " : "FAIL"} gates: ${name}, ${seconds(durationMs)}\n${passed ? "" : output}`);
  });
}

/** All files of these tiers in one queue, what takes longest first, so that no core waits for the last file. */
async function runFiles(fileTiers: readonly Tier[]): Promise<void> {
  const queue = durations.longestFirst(fileTiers.flatMap(filesOf));
  if (queue.length === 0) return;
  await buildPeers([...new Set(queue.flatMap(({ tier }) => tier.peers))]);
  const lane = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const result = await runTestFile(next.file, next.tier.fileTimeoutMs);
      durations.note(next.file, result.durationMs);
      tierMs.set(next.tier.name, (tierMs.get(next.tier.name) ?? 0) + result.durationMs);
      report(result, next.tier);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

function filesOf(tier: Tier): QueuedFile[] {
  const files = globSync(`test/${tier.name}/**/*.test.ts`);
  const wanted = files.filter((file) => nameParts.every((part) => file.includes(part)));
  return wanted.sort().map((file) => ({ file, tier }));
}

/** One line for a file that passed, and its cases where the tier lists them; for a failure its title, place and error, and then whatever the file printed. */
function report({ file, results, output, durationMs }: FileResult, tier: Tier): void {
  for (const { outcome } of results) if (outcome !== "begun") total[outcome] += 1;
  const failures = results.filter((result) => result.outcome === "failed");
  const title = `${file.replace(/^test\//, "")}, ${results.length} tests, ${seconds(durationMs)}`;
  process.stdout.write(`${failures.length === 0 ? "ok  " : "FAIL"} ${title}\n`);
  const cases = tier.listsCases === true ? results.filter(({ outcome }) => outcome === "passed") : [];
  for (const passed of cases) process.stdout.write(`       ${passed.title}\n`);
  for (const failure of failures) {
    process.stdout.write(
      `     ${failure.title} (${file}:${failure.place})\n${failure.error.replaceAll(/^/gm, "       ")}\n`,
    );
  }
  if (failures.length > 0) process.stdout.write(output);
}

/** In a process of its own, which prints the progress; without the programs no test that needs them can say anything. */
async function buildPeers(names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const build = spawn(process.execPath, ["test/peers/build.ts", ...names], { stdio: "inherit" });
  const { promise, resolve } = Promise.withResolvers<number | null>();
  build.once("close", resolve);
  if ((await promise) !== 0) {
    process.stdout.write(`${total.passed} passed, ${total.failed + 1} failed\n`);
    process.exit(1);
  }
}

function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(1)} s`;
}
