// docs/performance.md, written from the results that are kept: every shape that was ever measured has its section.
import { type ContestantName, repositoryWriters } from "./contestants.ts";
import { limitSeconds } from "./limit.ts";
import { loadRemarks, loadResult, type Machine, resultsFolder, type ShapeResult } from "./results.ts";
import { Rounds } from "./rounds.ts";
import type { Shape } from "./shape.ts";
import { shapes } from "./shapes.ts";
import { backup, type ShownStep } from "./steps.ts";
import { judge } from "./targets.ts";

const introduction = `# Performance

Whole processes, start and key derivation included, each with its defaults and a cache of its own: ours (started as its
executable's first line says), restic and kopia (with zstd on; it comes with compression off), one after the other in the same run on the same machine, round by round; who begins
changes. Each turn has a fresh repository, its source in the page cache, and begins with what others wrote on the disk; restores
begin without a cache. \`npm run bench -- ROUNDS SHAPE…\` measures shapes anew and leaves the other sections as they are; the
runs themselves are in \`bench/results\`.

Seconds are medians of the rounds, memory is the most of all rounds, a ratio is the median of each round's own ratio: on a
machine that others use, ratios say more than seconds. **Limit** is the sum of what reading, cutting, SHA-256, zstd, sealing
and writing cost by themselves for the shape's bytes (\`node bench/micro/kernels.ts\`, in the same run), divided by the cores.
kopia's "opening alone" is \`repository status\`, its check \`snapshot verify --verify-files-percent=100\`, its prune
\`maintenance run --full --safety=none\`, which rewrites no pack that is partly used (see the stored bytes),
so that prunes are held against restic alone.

What goes through the agent is measured from the request that makes the first PodVolumeBackup to the moment in which the API
server tells that the last is Completed, on a real control plane and a real S3 server of this machine; the agent's memory is the
most since the step began, and the API server itself counts the writing requests (those that make the PodVolumeBackups are taken
off). In \`million-blobs\` the packs of the index's million blobs are holes of the right size.

What goes through the server is measured from the request that makes the Backup to the moment in which the API server tells its
end, with the client limits that each program has when nothing is said; memory is the server process's own, without the plugins
that Velero starts besides.
`;

/** @param folder of the results. */
export function renderPage(folder: string = resultsFolder): string {
  const sections = shapes.flatMap((shape) => {
    const result = loadResult(shape.name, folder);
    return result === undefined ? [] : [renderSection(shape, result, loadRemarks(shape.name, folder))];
  });
  return [introduction, ...sections].join("\n");
}

/** @param remarks Markdown that follows the table. */
export function renderSection(shape: Shape, result: ShapeResult, remarks?: string): string {
  const { date, command, machine, versions, rounds, memoryLimit } = result;
  return [
    `## ${shape.name}: ${shape.what}`,
    "",
    `\`${command}\`, ${date}, ${rounds} ${rounds === 1 ? "round" : "rounds"}. ${describeMachine(machine)}. ` +
      `${describeVersions(shape, versions)}.${memoryLimit === undefined ? "" : ` ${memoryLimit}`}`,
    "",
    ...table(shape, result),
    "",
    ...(remarks === undefined ? [] : [remarks, ""]),
  ].join("\n");
}

function describeVersions(shape: Shape, versions: ShapeResult["versions"]): string {
  return columnsOf(shape)
    .filter((name) => versions[name] !== undefined)
    .map((name) => `${name === "stowage" || name === "velero" ? capitalised(name) : name} ${versions[name]}`)
    .join(", ");
}

function capitalised(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

/** All that write repositories, also where some take no part: most tables can be read side by side. */
function columnsOf({ contestants }: Shape): readonly ContestantName[] {
  return contestants?.includes("velero") === true ? contestants : repositoryWriters;
}

function describeMachine({ cores, processor, memoryGib, kernel, node }: Machine): string {
  return `${cores} cores (${processor}), ${memoryGib} GiB, Linux ${kernel}, Node ${node}`;
}

function table(shape: Shape, result: ShapeResult): string[] {
  const rounds = new Rounds(result.runs);
  const columns = columnsOf(shape);
  const figures = (step: ShownStep, figure: ShownFigure): string => figuresOf({ rounds, columns }, step, figure);
  const steps = shape.steps(result.scale).filter(({ name }) => rounds.participants(name).length > 0);
  const hasTraffic = result.runs.some(({ requests }) => requests !== undefined);
  const hasWrites = result.runs.some(({ apiWrites }) => apiWrites !== undefined);
  const titles = [
    "step",
    `wall s: ${columns.map((name) => (name === "stowage" ? "ours" : name)).join(" / ")}`,
    "÷ better",
    "limit s",
    "CPU s",
    "peak MiB",
    "stored MB",
    ...(hasTraffic ? ["requests", "fetched MB"] : []),
    ...(hasWrites ? ["API writes a volume"] : []),
    "wanted",
  ];
  const rows = steps.map((step) => [
    step.name,
    figures(step, "wallSeconds"),
    wallRatio(rounds, step),
    showLimit(limitOf(step, result, rounds)),
    figures(step, "cpuSeconds"),
    figures(step, "peakMib"),
    figures(step, "storedBytes"),
    ...(hasTraffic ? [figures(step, "requests"), figures(step, "fetchedBytes")] : []),
    ...(hasWrites ? [figures(step, "apiWrites")] : []),
    verdicts(rounds, step, result),
  ]);
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(titles), `|${"---|".repeat(titles.length)}`, ...rows.map(line)];
}

function wallRatio(rounds: Rounds, { name, rival }: ShownStep): string {
  const value = rounds.median(name, (round) => {
    const theirs = rival === "restic" ? round.of("restic", "wallSeconds") : round.better("wallSeconds");
    return round.of("stowage", "wallSeconds") / theirs;
  });
  return plain(value, 2);
}

type ShownFigure = "wallSeconds" | "cpuSeconds" | "peakMib" | "storedBytes" | "requests" | "fetchedBytes" | "apiWrites";

/** One for each column, with a dash for who took no part. */
function figuresOf(
  { rounds, columns }: { readonly rounds: Rounds; readonly columns: readonly ContestantName[] },
  { name: step }: ShownStep,
  figure: ShownFigure,
): string {
  const isBytes = figure === "storedBytes" || figure === "fetchedBytes";
  const digits = figure === "wallSeconds" || figure === "cpuSeconds" ? 2 : isBytes || figure === "apiWrites" ? 1 : 0;
  const takes = figure === "peakMib" ? "most" : "median";
  const show = (contestant: ContestantName): string =>
    plain(
      rounds[takes](step, (round) => round.of(contestant, figure) / (isBytes ? 1e6 : 1)),
      digits,
    );
  const cells = columns.map(show);
  return cells.every((cell) => cell === "–") ? "–" : cells.join(" / ");
}

function verdicts(rounds: Rounds, step: ShownStep, result: ShapeResult): string {
  const { name, targets = [], limitShare } = step;
  const limit = limitOf(step, result, rounds);
  const judged = targets.flatMap((target) => judge(target, name, rounds) ?? []);
  if (limit !== undefined && limitShare !== undefined) {
    const [wanted, measured] = [limitShare, limit.reached].map((share) => `${(share * 100).toFixed(0)} %`) as [
      string,
      string,
    ];
    judged.push({ wanted: `share of the limit ≥ ${wanted}`, measured, isMet: limit.reached >= limitShare });
  }
  const lines = judged.map(({ wanted, measured, isMet }) =>
    isMet ? `${wanted}: ${measured}, met` : `${wanted}: **${measured}, missed**`,
  );
  return lines.length === 0 ? "–" : lines.join("<br>");
}

interface ReachedLimit {
  readonly seconds: number;
  /** The limit ÷ our time. */
  readonly reached: number;
}

/** What the bytes of the first backup cost at least; undefined where they are not known. */
function limitOf(
  step: ShownStep,
  { contents, kernels, machine }: ShapeResult,
  rounds: Rounds,
): ReachedLimit | undefined {
  const storedBytes = rounds.median(backup.name, (round) => round.of("stowage", "storedBytes"));
  if (step.limit === undefined || contents.bytes === 0 || Number.isNaN(storedBytes)) return undefined;
  const seconds = limitSeconds(step.limit, { contents, storedBytes, cores: machine.cores }, kernels);
  return { seconds, reached: seconds / rounds.median(step.name, (round) => round.of("stowage", "wallSeconds")) };
}

function showLimit(limit: ReachedLimit | undefined): string {
  return limit === undefined ? "–" : `${limit.seconds.toFixed(2)} (${(limit.reached * 100).toFixed(0)} %)`;
}

function plain(value: number, digits: number): string {
  return Number.isNaN(value) ? "–" : value.toFixed(digits);
}
