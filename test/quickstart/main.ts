// `npm run quickstart`: the main job on real parts, from nothing: first the command line on a local directory, then a
// control plane, an S3 server, our server and agent, two workloads, a backup, the namespace deleted, a restore, and restic's
// verdict.
import { join } from "node:path";
import { makeTemporaryDirectory, removeDirectory } from "../support/temporary-directory.ts";
import { showCluster } from "./backup-and-restore.ts";
import { endChildren, startChild } from "./children.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { showEmbedded } from "./embedded.ts";
import { heading, say } from "./narration.ts";

const folder = makeTemporaryDirectory("quickstart");
let cluster: Cluster | undefined;
/** The tests need more of them: older releases of restic. */
const peerNames = ["etcd", "kube-apiserver", "kube-controller-manager", "kubectl", "restic", "versitygw"];

/** Builds the control plane, kubectl, restic and the S3 server; `show` puts what it says on the terminal from then on. */
function buildPeers(): { readonly built: Promise<void>; readonly show: () => void } {
  const builder = join(import.meta.dirname, "..", "peers", "build.ts");
  const { child, ended } = startChild(process.execPath, [builder, ...peerNames], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let isShown = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (piece: Buffer) => {
      output += piece;
      if (isShown) process.stdout.write(piece);
    });
  }
  const built = ended.then((code) => {
    if (code !== 0) throw new Error(`building the real programs failed:\n${output}`);
  });
  const show = (): void => {
    isShown = true;
    process.stdout.write(output);
  };
  return { built, show };
}

async function cleanUp(): Promise<void> {
  await endChildren();
  await cluster?.stop();
  removeDirectory(folder);
}

async function run(): Promise<void> {
  say(
    "meanwhile the real programs (kube-apiserver, etcd, restic, an S3 server) are built, the first time only: 6 to 12 minutes",
  );
  const { built, show } = buildPeers();
  // Looked at below; a failure must not end the first part.
  built.catch(() => undefined);
  await showEmbedded(join(folder, "embedded"));
  heading("A control plane and an S3 server, as processes on the loopback address");
  show();
  await built;
  cluster = await startCluster();
  await showCluster(cluster, folder);
  heading("Done");
  say("what happened: docs/ and README.md explain it; the same in a real cluster: kubectl apply -k manifests");
  say("the command line: npm run -s stowage -- repo --help");
}

let interruption: Promise<void> | undefined;
for (const [name, status] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const) {
  process.once(name, () => {
    process.stdout.write("\ninterrupted: ending what was started\n");
    interruption = cleanUp().finally(() => process.exit(status));
  });
}
try {
  await run();
} catch (error) {
  // After an interruption everything fails in some way; that is not worth a word.
  if (interruption === undefined) {
    process.stdout.write(`\nFAILED: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  }
} finally {
  await (interruption ?? cleanUp());
}
