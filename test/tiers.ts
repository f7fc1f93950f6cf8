// The tiers of tests in the order in which `npm test` runs them: what is quick and needs nothing comes first.

export interface Tier {
  /** Folder below test/ (but for "gates": the checks that read the tree instead of running it). */
  readonly name: string;
  /** Names of the real programs that must be built before. */
  readonly peers: readonly string[];
  /** A file that takes longer is ended and counts as failed, so that nothing hangs. */
  readonly fileTimeoutMs: number;
  /** False: only on demand. */
  readonly inEveryRun: boolean;
  /** The title of each test is printed: what was shown is what people ask of these. */
  readonly listsCases?: boolean;
}

const controlPlane = ["etcd", "kube-apiserver", "kubectl"];
const minuteMs = 60_000;

/** Test files that run at once. Two cores are what a small machine has; a third file runs while the others wait. */
export const lanes = 3;

export const tiers: readonly Tier[] = [
  { name: "gates", peers: [], fileTimeoutMs: 5 * minuteMs, inEveryRun: true },
  { name: "unit", peers: [], fileTimeoutMs: minuteMs, inEveryRun: true },
  { name: "architecture", peers: [], fileTimeoutMs: 2 * minuteMs, inEveryRun: true },
  { name: "property", peers: [], fileTimeoutMs: 3 * minuteMs, inEveryRun: true },
  {
    name: "conformance",
    peers: ["versitygw", ...controlPlane],
    fileTimeoutMs: 3 * minuteMs,
    inEveryRun: true,
  },
  {
    name: "interop",
    peers: ["restic", "restic-0.14.0", "restic-0.17.3", "versitygw"],
    fileTimeoutMs: 12 * minuteMs,
    inEveryRun: true,
  },
  {
    name: "integration",
    peers: ["restic", "versitygw", "helm", ...controlPlane],
    fileTimeoutMs: 12 * minuteMs,
    inEveryRun: true,
  },
  { name: "faults", peers: ["restic", "versitygw"], fileTimeoutMs: 12 * minuteMs, inEveryRun: true },
  {
    name: "e2e",
    peers: ["restic", "versitygw", "kube-controller-manager", ...controlPlane],
    fileTimeoutMs: 12 * minuteMs,
    inEveryRun: true,
  },
  {
    name: "velero",
    peers: [
      ...["velero", "velero-restore-helper", "velero-object-store", "velero-1.14.0", "velero-1.18.0"],
      ...["kube-controller-manager", "restic", "restic-0.14.0", "restic-0.17.3", "versitygw", ...controlPlane],
    ],
    fileTimeoutMs: 20 * minuteMs,
    inEveryRun: false,
    listsCases: true,
  },
  {
    name: "monitoring",
    peers: ["prometheus", "restic", "versitygw", ...controlPlane],
    fileTimeoutMs: 5 * minuteMs,
    inEveryRun: false,
  },
  {
    // Root, a container runtime and namespaces: says what is missing where one of them is.
    name: "node",
    peers: [
      "restic",
      "versitygw",
      "kube-controller-manager",
      "kube-scheduler",
      "kubelet",
      "csi-folders",
      ...controlPlane,
    ],
    fileTimeoutMs: 10 * minuteMs,
    inEveryRun: false,
    listsCases: true,
  },
  {
    name: "slow",
    peers: ["restic", "kopia", "versitygw", ...controlPlane],
    fileTimeoutMs: 120 * minuteMs,
    inEveryRun: false,
  },
];
