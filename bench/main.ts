// `npm run bench [-- ROUNDS [SHAPE…]]`: ours against restic on this machine, whole processes, in turn; the table goes to
// docs/performance.md.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { compare, type ShapeResult } from "./against-peers/compare.ts";
import { prepare, type Shape, shapes } from "./against-peers/shapes.ts";

const root = join(import.meta.dirname, "..");
const folder = join(tmpdir(), "stowage-bench");
const [rounds = "5", ...names] = process.argv.slice(2);

function table(shape: Shape, { steps, storedRatio }: ShapeResult): string {
  const row = ({ step, stowage, restic, wallRatio, cpuRatio }: ShapeResult["steps"][number]): string => {
    const pair = (ours: number, theirs: number, digits: number): string =>
      `${ours.toFixed(digits)} / ${theirs.toFixed(digits)}`;
    return `| ${[
      step,
      pair(stowage.wallSeconds, restic.wallSeconds, 2),
      wallRatio.toFixed(2),
      pair(stowage.cpuSeconds, restic.cpuSeconds, 2),
      cpuRatio.toFixed(2),
      pair(stowage.peakMib, restic.peakMib, 0),
    ].join(" | ")} |`;
  };
  return [
    `## ${shape.what}`,
    "",
    "| step | wall s, ours / restic | ratio | CPU s, ours / restic | ratio | peak MiB, ours / restic |",
    "|---|---|---|---|---|---|",
    ...steps.map(row),
    "",
    `Stored bytes, ours ÷ restic: ${storedRatio.toFixed(3)}.`,
    "",
  ].join("\n");
}

const introduction = `# Performance

Made by \`npm run bench -- ${[rounds, ...names].join(" ")}\` on ${new Date().toISOString().slice(0, 10)}: ${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? "unknown"}),
${Math.round(totalmem() / 1024 ** 3)} GiB, Node ${process.versions.node}, restic 0.19.1, a repository in a local directory, both programs without a cache, defaults
otherwise (both verify what they seal before it is stored). Whole processes, key derivation and start included; ours and
restic's in turn, ${rounds} rounds; seconds are medians, ratios are medians of the rounds' own ratios, memory is the most of all
rounds. The machine is shared and noisy: trust the ratios, not the seconds.
`;

execFileSync(process.execPath, [join(root, ".ci", "build.mjs")], { stdio: "inherit", cwd: root });
mkdirSync(folder, { recursive: true });
const sections = [introduction];
for (const shape of shapes.filter(({ name }) => names.length === 0 || names.includes(name))) {
  sections.push(table(shape, await compare(prepare(shape, folder), folder, Number(rounds))));
  process.stdout.write(`${sections.at(-1)}\n`);
}
writeFileSync(join(root, "docs", "performance.md"), sections.join("\n"));
