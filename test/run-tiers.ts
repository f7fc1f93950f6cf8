// `npm test`: runs the tiers one after the other and closes with a line that counts. Real programs that a tier needs are
// built before it, the first time only.
// Usage: run-tiers.ts [TIER…] [part of a file name…]; without tiers, all that belong to every run.
import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";
import { runGates } from "./gates.ts";
import { endRunningFiles, type FileResult, runTestFile } from "./run-file.ts";
import { type Tier, tiers } from "./tiers.ts";

type Counts = Record<"passed" | "failed" | "skipped", number>;

const root = join(import.meta.dirname, "..");
const words = process.argv.slice(2);
const named = tiers.filter((tier) => words.includes(tier.name));
const nameParts = words.filter((word) => !tiers.some((tier) => tier.name === word));
const selected = named.length > 0 ? named : tiers.filter((tier) => tier.inEveryRun);
const total: Counts = { passed: 0, failed: 0, skipped: 0 };
const durations: string[] = [];

process.chdir(root);
process.once("exit", endRunningFiles);
for (const [name, status] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const) {
  process.once(name, () => process.exit(status));
}
for (const tier of selected) {
  const startedAt = performance.now();
  add(total, tier.name === "gates" ? await gates() : await testFiles(tier));
  durations.push(`${tier.name} ${seconds(performance.now() - startedAt)}`);
}
process.stdout.write(`\n${durations.join(", ")}\n`);
process.stdout.write(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;

async function gates(): Promise<Counts> {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  if (nameParts.length > 0) return counts;
  process.stdout.write("\ngates\n");
  await runGates(({ name, passed, output, durationMs }) => {
    counts[passed ? "passed" : "failed"] += 1;
    process.stdout.write(`  ${passed ? "ok  " : "FAIL"} ${name}, ${seconds(durationMs)}\n${passed ? "" : output}`);
  });
  return counts;
}

async function testFiles(tier: Tier): Promise<Counts> {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  const found = globSync(`test/${tier.name}/**/*.test.ts`);
  const files = found.filter((file) => nameParts.every((part) => file.includes(part))).sort();
  if (files.length === 0) return counts;
  await buildPeers(tier.peers);
  process.stdout.write(`\n${tier.name}\n`);
  const lane = async (): Promise<void> => {
    for (let file = files.shift(); file !== undefined; file = files.shift()) {
      report(await runTestFile(file, tier.fileTimeoutMs), counts);
    }
  };
  await Promise.all(Array.from({ length: tier.concurrency }, lane));
  return counts;
}

/** One line for a file that passed; for a failure its title, place and error, and then whatever the file printed. */
function report({ file, results, output, durationMs }: FileResult, counts: Counts): void {
  for (const { outcome } of results) counts[outcome] += 1;
  const failures = results.filter((result) => result.outcome === "failed");
  const title = `${file.replace(/^test\//, "")}, ${results.length} tests, ${seconds(durationMs)}`;
  process.stdout.write(`  ${failures.length === 0 ? "ok  " : "FAIL"} ${title}\n`);
  for (const failure of failures) {
    process.stdout.write(
      `       ${failure.title} (${file}:${failure.place})\n${failure.error.replaceAll(/^/gm, "         ")}\n`,
    );
  }
  if (failures.length > 0) process.stdout.write(output);
}

/** In a process of its own, which prints the progress; without the programs no tier that needs them can say anything. */
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

function add(sum: Counts, more: Counts): void {
  for (const key of ["passed", "failed", "skipped"] as const) sum[key] += more[key];
}

function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(1)} s`;
}
