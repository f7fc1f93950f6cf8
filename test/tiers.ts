// The tiers of tests in the order in which `npm test` runs them: what is quick and needs nothing comes first.

export interface Tier {
  /** Folder below test/ (but for "gates": the checks that read the tree instead of running it). */
  readonly name: string;
  /** Names of the real programs that must be built before. */
  readonly peers: readonly string[];
  /** Test files that run at once. Two cores are what a small machine has. */
  readonly concurrency: number;
  /** A file that takes longer is ended and counts as failed, so that nothing hangs. */
  readonly fileTimeoutMs: number;
  /** False: only on demand. */
  readonly inEveryRun: boolean;
}

const controlPlane = ["etcd", "kube-apiserver", "kubectl"];
const minuteMs = 60_000;

export const tiers: readonly Tier[] = [
  { name: "gates", peers: [], concurrency: 2, fileTimeoutMs: 5 * minuteMs, inEveryRun: true },
  { name: "unit", peers: [], concurrency: 2, fileTimeoutMs: minuteMs, inEveryRun: true },
  { name: "architecture", peers: [], concurrency: 2, fileTimeoutMs: 2 * minuteMs, inEveryRun: true },
  { name: "property", peers: [], concurrency: 2, fileTimeoutMs: 3 * minuteMs, inEveryRun: true },
  {
    name: "conformance",
    peers: ["versitygw", ...controlPlane],
    concurrency: 2,
    fileTimeoutMs: 3 * minuteMs,
    inEveryRun: true,
  },
  { name: "interop", peers: ["restic", "versitygw"], concurrency: 2, fileTimeoutMs: 6 * minuteMs, inEveryRun: true },
  {
    name: "integration",
    peers: ["restic", "versitygw", ...controlPlane],
    concurrency: 2,
    fileTimeoutMs: 6 * minuteMs,
    inEveryRun: true,
  },
  { name: "faults", peers: ["restic", "versitygw"], concurrency: 2, fileTimeoutMs: 6 * minuteMs, inEveryRun: true },
  {
    name: "e2e",
    peers: ["restic", "versitygw", ...controlPlane],
    concurrency: 2,
    fileTimeoutMs: 8 * minuteMs,
    inEveryRun: true,
  },
  {
    name: "slow",
    peers: ["restic", "versitygw", ...controlPlane],
    concurrency: 1,
    fileTimeoutMs: 120 * minuteMs,
    inEveryRun: false,
  },
];
