// `npm run peers [-- NAME…]`: makes sure that the real programs which tests and quickstart use are built, with progress
// on standard error. Prints nothing when all are there.
import { type BuildProgress, ensurePeer, findPeer } from "./build-peer.ts";
import { ensureDebianPackage, isDebianPackage } from "./debian-packages.ts";
import { type PeerRecipe, peerRecipes, recipeOf } from "./recipes.ts";

const names = process.argv.slice(2);
const programs = names.filter((name) => !isDebianPackage(name)).map(recipeOf);
const wanted = names.length === 0 ? peerRecipes.filter((peer) => peer.isOnDemand !== true) : programs;
const missing = wanted.filter((peer) => findPeer(peer) === undefined);
const abort = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(name, () => abort.abort());

try {
  for (const peer of missing) await buildWithProgress(peer);
  for (const name of names.filter(isDebianPackage)) await ensureDebianPackage(name, abort.signal);
} catch (error) {
  say(abort.signal.aborted ? "peers: stopped; what is built so far is kept" : `peers: ${(error as Error).message}`);
  process.exitCode = abort.signal.aborted ? 130 : 1;
}

async function buildWithProgress(peer: PeerRecipe): Promise<void> {
  say(`peers: building ${peer.name} (once; kept in the cache)`);
  let saidAtSeconds = 0;
  let elapsedSeconds = 0;
  const onProgress = (progress: BuildProgress): void => {
    elapsedSeconds = progress.elapsedSeconds;
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${describe(progress)}`);
    else if (elapsedSeconds - saidAtSeconds >= 15) {
      say(describe(progress));
      saidAtSeconds = elapsedSeconds;
    }
  };
  await ensurePeer(peer, { onProgress, signal: abort.signal });
  if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
  say(`peers: built ${peer.name} in ${elapsedSeconds.toFixed(0)} s`);
}

function describe(progress: BuildProgress): string {
  const seconds = `${progress.elapsedSeconds.toFixed(0)} s`;
  if (progress.downloading !== undefined)
    return `peers: ${progress.name}: fetching ${progress.downloading}, ${seconds}`;
  return `peers: ${progress.name}: ${progress.packagesBuilt} of ${progress.packagesTotal} packages, ${seconds}`;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
