// `npm run bench` still runs, on next to nothing: processes of all contestants, and the agent on a control plane.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runProcess } from "../support/processes.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const root = join(import.meta.dirname, "..", "..");

function bench(args: readonly string[], folder: string) {
  return runProcess(process.execPath, { args: [join(root, "bench", "main.ts"), ...args], env: { TMPDIR: folder } });
}

test("a trial measures every step of its shapes, judges them and writes nothing down", async (context) => {
  const page = join(root, "docs", "performance.md");
  const before = readFileSync(page);
  const trial = ["--scale", "0.001", "--memory-limit", "1G", "1", "huge", "volumes"];
  const { code, stdout, stderr } = await bench(trial, temporaryDirectory(context));
  assert.equal(code, 0, stderr);
  const rows = stdout.split("\n").filter((line) => line.startsWith("| "));
  const cells = (step: string): string[] => rows.find((row) => row.startsWith(`| ${step} |`))?.split(" | ") ?? [];
  const figure = String.raw`\d+\.\d\d`;
  assert.match(cells("first backup")[1] ?? "", new RegExp(`^${figure} / ${figure} / ${figure}$`));
  assert.match(cells("restore, two workers").at(-1) ?? "", /CPU ÷ wall ≥ 1\.80: .*peak MiB ≤ 256: /);
  assert.match(cells("backup of all volumes").at(-1) ?? "", /API writes a volume ≤ 6\.0: /);
  assert.match(stdout, /Ours ran (in a control group of 1024 MiB|without a memory limit, which this machine)/);
  assert.deepEqual(readFileSync(page), before);
});
