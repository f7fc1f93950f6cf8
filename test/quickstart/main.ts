// `npm run quickstart`: the main job on real parts, from nothing: first the command line on a local directory, then a
// control plane, an S3 server, our server and agent, a backup, an incremental one, a restore, and restic's verdict.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { makeTemporaryDirectory, removeDirectory } from "../support/temporary-directory.ts";
import { showCluster } from "./backup-and-restore.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { showEmbedded } from "./embedded.ts";
import { heading, say } from "./narration.ts";

const folder = makeTemporaryDirectory("quickstart");
let cluster: Cluster | undefined;

/** Builds etcd, kube-apiserver, kubectl, restic and the S3 server; says nothing when they are there. */
function buildPeers(): Promise<void> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "..", "peers", "build.ts")], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let isShown = false;
  const take = (piece: Buffer): void => {
    output += piece;
    if (isShown) process.stdout.write(piece);
  };
  child.stdout.on("data", take);
  child.stderr.on("data", take);
  show = () => {
    isShown = true;
    process.stdout.write(output);
  };
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) =>
      code === 0 ? resolve() : reject(new Error(`building the real programs failed:\n${output}`)),
    );
  });
}

let show = (): void => undefined;

async function cleanUp(): Promise<void> {
  await cluster?.stop();
  removeDirectory(folder);
}

async function run(): Promise<void> {
  say(
    "meanwhile the real programs (kube-apiserver, etcd, restic, an S3 server) are built, the first time only: 5 to 10 minutes",
  );
  const peers = buildPeers();
  // Looked at below; a failure must not end the first part.
  peers.catch(() => undefined);
  await showEmbedded(join(folder, "embedded"));
  heading("A control plane and an S3 server, as processes on the loopback address");
  show();
  await peers;
  cluster = await startCluster(folder);
  await showCluster(cluster, folder);
  heading("Done");
  say("what happened: docs/ and README.md explain it; the same in a real cluster: kubectl apply -k manifests");
  say("the command line: npm run -s stowage -- repo --help");
}

for (const [name, status] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const) {
  process.once(name, () => {
    process.stdout.write("\ninterrupted: ending what was started\n");
    void cleanUp().finally(() => process.exit(status));
  });
}
try {
  await run();
} catch (error) {
  process.stdout.write(`\nFAILED: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
} finally {
  await cleanUp();
}
