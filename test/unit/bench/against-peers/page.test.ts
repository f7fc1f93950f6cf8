// From the runs of a shape to its section: medians, ratios within a round, what is wanted and whether it is met.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ContestantName, contestantNames } from "../../../../bench/against-peers/contestants.ts";
import { renderPage, renderSection } from "../../../../bench/against-peers/page.ts";
import { type Run, type ShapeResult, saveResult } from "../../../../bench/against-peers/results.ts";
import { selectShapes, shapes } from "../../../../bench/against-peers/shapes.ts";
import { type KernelRates, kernelNames } from "../../../../bench/micro/kernels.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

type Seconds = Readonly<Partial<Record<ContestantName, number>>>;

/** CPU is twice the wall time. */
function runsOf(step: string, rounds: readonly Seconds[]): Run[] {
  return rounds.flatMap((seconds, round) =>
    contestantNames.flatMap((contestant) => {
      const wallSeconds = seconds[contestant];
      if (wallSeconds === undefined) return [];
      const sizes = { peakMib: 100 * (round + 1), readBytes: 0, storedBytes: 1e9 };
      return [{ round, step, contestant, wallSeconds, cpuSeconds: 2 * wallSeconds, ...sizes }];
    }),
  );
}

function resultOf(shape: string, runs: readonly Run[]): ShapeResult {
  return {
    shape,
    command: `npm run bench -- 3 ${shape}`,
    date: "2026-01-31",
    rounds: 3,
    scale: 1,
    machine: { cores: 2, processor: "a processor", memoryGib: 8, kernel: "6.1", node: "24.0.0" },
    versions: { stowage: "1", restic: "2", kopia: "3" },
    contents: { files: 4, directories: 0, bytes: 2e9, textBytes: 1e9 },
    // Every kernel works off a gigabyte a second.
    kernels: Object.fromEntries(kernelNames.map((name) => [name, 1e9])) as KernelRates,
    runs,
  };
}

const [large] = selectShapes(["large"]);

function rowOf(section: string, step: string): string[] {
  const row = section.split("\n").find((line) => line.startsWith(`| ${step} |`));
  return (row ?? "").split("|").map((cell) => cell.trim());
}

test("a row has medians of three, the median of the rounds' ratios, and a verdict on each target", () => {
  const runs = runsOf("first backup", [
    { stowage: 5, restic: 20, kopia: 10 },
    { stowage: 7, restic: 20, kopia: 40 },
    { stowage: 90, restic: 100, kopia: 100 },
  ]);
  assert.ok(large);
  const row = rowOf(renderSection(large, resultOf("large", runs)), "first backup");
  const [, , wall, ratio, limit, cpu, peak, stored, wanted] = row;
  assert.equal(wall, "7.00 / 20.00 / 40.00");
  // 5 ÷ 10, 7 ÷ 20 and 90 ÷ 100.
  assert.equal(ratio, "0.50");
  // 9 GB of work (read 2, cut 2, hash 2, zstd 2, seal 1, hash packs 1, write 1 = 11) on two cores.
  assert.equal(limit, "5.50 (79 %)");
  assert.equal(cpu, "14.00 / 40.00 / 80.00");
  assert.equal(peak, "300 / 300 / 300");
  assert.equal(stored, "1000.0 / 1000.0 / 1000.0");
  assert.deepEqual(wanted?.split("<br>"), [
    "wall ÷ better peer ≤ 0.60: 0.50, met",
    "wall ÷ restic ≤ 0.45: 0.35, met",
    "CPU ÷ restic ≤ 0.75: 0.35, met",
    "stored ÷ restic ≤ 1.02: 1.00, met",
    "peak MiB ≤ 256: **300, missed**",
    "share of the limit ≥ 60 %: 79 %, met",
  ]);
});

test("unchanged data counts less the opening, and a round whose difference is noise does not", () => {
  const runs = [
    ...runsOf("opening alone", [
      { stowage: 1, restic: 0.5, kopia: 0.2 },
      { stowage: 1, restic: 0.5, kopia: 0.2 },
    ]),
    ...runsOf("unchanged again", [
      { stowage: 1.3, restic: 1, kopia: 0.3 },
      { stowage: 1.4, restic: 0.4, kopia: 0.3 },
    ]),
  ];
  assert.ok(large);
  const row = rowOf(renderSection(large, resultOf("large", runs)), "unchanged again");
  assert.match(row.join(), /wall less opening ÷ restic ≤ 0\.60: 0\.60, met/);
});

test("a step without peers shows dashes, and steps that were not measured have no row", () => {
  const [huge] = selectShapes(["huge"]);
  assert.ok(huge);
  const runs = [
    ...runsOf("first backup", [{ stowage: 3, restic: 4, kopia: 5 }]),
    ...runsOf("first backup, one worker", [{ stowage: 4 }]),
    ...runsOf("first backup, two workers", [{ stowage: 3 }]),
  ];
  const section = renderSection(huge, resultOf("huge", runs));
  assert.equal(rowOf(section, "first backup, one worker")[2], "4.00 / – / –");
  assert.equal(rowOf(section, "first backup, one worker")[3], "–");
  assert.equal(rowOf(section, "restore").length, 1);
  assert.match(
    rowOf(section, "first backup, two workers").join(),
    /CPU ÷ wall ≥ 1\.80: 2\.00, met.*"first backup, one worker" ≤ 1\.00: 0\.75, met/,
  );
});

test("a prune is held against restic alone, because kopia leaves most garbage where it is", () => {
  const runs = runsOf("prune, 30 % garbage", [{ stowage: 1, restic: 4, kopia: 0.5 }]);
  const [small] = selectShapes(["small"]);
  assert.ok(small);
  const row = rowOf(renderSection(small, resultOf("small", runs)), "prune, 30 % garbage");
  assert.equal(row[3], "0.25");
  assert.match(row.join(), /wall ÷ restic ≤ 0\.50: 0\.25, met/);
});

test("requests to the API server have a column where they were counted, and a memory limit is told", () => {
  const [volumes] = selectShapes(["volumes"]);
  assert.ok(volumes);
  const [ours, ...others] = runsOf("backup of all volumes", [{ stowage: 1, restic: 20 }]);
  assert.ok(ours);
  const result = resultOf("volumes", [{ ...ours, apiWrites: 6.04 }, ...others]);
  const section = renderSection(volumes, { ...result, memoryLimit: "Ours ran in a control group of 256 MiB." });
  const row = rowOf(section, "backup of all volumes");
  assert.equal(row[8], "6.0 / – / –");
  assert.match(row.join(), /wall ÷ restic ≤ 0\.10: 0\.05, met.*API writes a volume ≤ 6\.0: 6\.0, met/);
  assert.match(section, /kopia 3\. Ours ran in a control group of 256 MiB\.$/m);
});

test("the page keeps the section of every shape that was ever measured", (context) => {
  const folder = temporaryDirectory(context);
  saveResult(resultOf("small", runsOf("restore", [{ stowage: 1, restic: 2, kopia: 3 }])), folder);
  saveResult(resultOf("large", runsOf("restore", [{ stowage: 1, restic: 2, kopia: 3 }])), folder);
  const before = renderPage(folder);
  saveResult(resultOf("large", runsOf("restore", [{ stowage: 9, restic: 2, kopia: 3 }])), folder);
  const [oldSections, newSections] = [before, renderPage(folder)].map((page) => page.split("\n## "));
  assert.equal(newSections?.length, 3);
  assert.match(newSections?.[1] ?? "", /^large: .*9\.00 \/ 2\.00 \/ 3\.00/s);
  assert.equal(newSections?.[2], oldSections?.[2]);
});

test("shapes are chosen by name or by the beginning of one; an unknown name is refused with the list", () => {
  const names = (...words: string[]): string[] => selectShapes(words).map(({ name }) => name);
  assert.deepEqual(names(), ["large", "small", "medium"]);
  assert.deepEqual(
    names("all"),
    shapes.map(({ name }) => name),
  );
  assert.deepEqual(names("s3-small", "tiny"), ["tiny", "s3-small-0", "s3-small-20", "s3-small-100"]);
  assert.throws(() => selectShapes(["tin"]), /no shape is called "tin"; there are large, /);
});
