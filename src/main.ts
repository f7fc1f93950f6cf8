#!/usr/bin/env -S MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=262144 node --max-semi-space-size=2 --heap-growing-percent=50
// The executable: picks the role by its first words and loads that role alone. It must load on any Node, so that an
// old one gets one clear line instead of a syntax error; everything else is behind a dynamic import.
// The first line bounds memory: V8 would let young objects grow to 130 MB before it looks at them, and old ones to twice of
// what is used (45 MB of a backup of small files, for 6 % of its processor time); glibc would keep the blobs that were freed,
// 40 MB of them. Young objects have 2 MiB in each thread, whatever a thread asks for itself: with 4 a backup of 40,000 small
// files had 10 MiB more and half as many young collections, 70 to 100 ms of its 7 s of processor time.
import { basename } from "node:path";

const oldestMajor = 24;
const lingerMs = 3000;

const usage = `Usage: stowage COMMAND [ARGUMENTS]

  backup           back up namespaces and volumes of a cluster: create, get, describe, logs, download, delete
  restore          bring back what a backup holds: create, get, describe, logs, delete
  schedule         back up at certain times: create, get, describe, pause, unpause, delete
  backup-location  places where backups are kept: create, get, set, delete
  repo             work on a repository by hand, with restic's verbs: backup, restore, snapshots, check, prune …
  agent            the node agent: backs up and restores the pod volumes of its node (alias: node-agent server)
  agent doctor     looks at everything that the agent needs, and says what is wrong and what to do
  server           the control plane: Backup, BackupRepository and BackupStorageLocation resources
  restore-helper   the init container that waits until a pod's volumes are restored
  version          print the version; with --server also that of the cluster's server

Each command explains itself: stowage COMMAND --help
`;

type RoleMain = (argv: readonly string[], env: NodeJS.ProcessEnv) => Promise<number>;

/** A role's entry and the words that are left for it. */
interface Role {
  readonly load: () => Promise<{ readonly main: RoleMain }>;
  readonly argv: readonly string[];
}

/** First words that belong to the command line. */
const commandLine: ReadonlySet<string> = new Set([
  ...["backup", "restore", "schedule", "backup-location"],
  // As in "get backups".
  ...["create", "get", "describe", "delete"],
  ...["repo", "version"],
]);

function roleOf(program: string, words: readonly string[]): Role | undefined {
  const helper = (): Promise<{ main: RoleMain }> => import("../agent/restore-helper/main.ts");
  if (program === "velero-restore-helper") return { load: helper, argv: words };
  const [first, second] = words;
  const rest = words.slice(1);
  if (first === "restore-helper") return { load: helper, argv: rest };
  if (first === "agent" && second === "doctor")
    return { load: () => import("../agent/doctor/main.ts"), argv: words.slice(2) };
  if (first === "agent") return { load: () => import("../agent/main.ts"), argv: rest };
  if (first === "node-agent" && second === "server")
    return { load: () => import("../agent/main.ts"), argv: words.slice(2) };
  if (first === "server") return { load: () => import("./server/main.ts"), argv: rest };
  if (first !== undefined && commandLine.has(first)) return { load: () => import("./cli/main.ts"), argv: words };
  return undefined;
}

async function run(): Promise<number> {
  const words = process.argv.slice(2);
  const role = roleOf(basename(process.argv[1] ?? ""), words);
  if (role !== undefined) {
    const { main } = await role.load();
    return main(role.argv, process.env);
  }
  const asked = words[0] === undefined || ["help", "--help", "-h"].includes(words[0]);
  if (words[0] === "--version") return (await import("./cli/main.ts")).main(["version"], process.env);
  if (!asked) process.stderr.write(`stowage: unknown command "${words[0]}"\n\n`);
  (asked ? process.stdout : process.stderr).write(usage);
  return asked ? 0 : 1;
}

const major = Number(process.versions.node.split(".")[0]);
if (major < oldestMajor) {
  process.stderr.write(
    `stowage needs Node ${oldestMajor} or newer, and this is ${process.version}: run it with node_modules/.bin/node\n`,
  );
  process.exitCode = 1;
} else {
  process.exitCode = await run();
  // A connection or a thread that something left open must not keep a finished process alive.
  setTimeout(() => process.exit(), lingerMs).unref();
}
