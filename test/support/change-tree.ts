// Changes some entries of a tree as users do between two backups, from a seed.
import {
  appendFileSync,
  chmodSync,
  lstatSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { type SeededRandom, seededRandom } from "./seeded-random.ts";

/** @returns how many changes were made; paths that an earlier change removed are passed over. */
export function changeTree(root: string, seed: number | string, changes = 20): number {
  const random = seededRandom(`change ${seed}`);
  const paths = allPaths(Buffer.from(root));
  let made = 0;
  for (let at = 0; at < changes && paths.length > 0; at += 1) {
    const path = random.pick(paths);
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined) continue;
    if (stats.isFile()) changeFile(random, path, stats.size);
    else if (stats.isDirectory()) changeDirectory(random, path, at);
    else rmSync(path);
    made += 1;
  }
  return made;
}

function changeFile(random: SeededRandom, path: Buffer, size: number): void {
  const kind = random.fraction();
  if (kind < 0.3) appendFileSync(path, random.bytes(random.integer(1, 5000)));
  else if (kind < 0.45) truncateSync(path, random.integer(0, size));
  else if (kind < 0.6) chmodSync(path, random.pick([0o600, 0o640, 0o755]));
  else if (kind < 0.75) rmSync(path);
  else if (kind < 0.85) {
    rmSync(path);
    symlinkSync("was a file", path);
  } else writeFileSync(path, random.bytes(random.integer(0, 50_000)));
}

function changeDirectory(random: SeededRandom, path: Buffer, number: number): void {
  const within = (name: Buffer): Buffer => Buffer.concat([path, Buffer.from("/"), name]);
  const [child] = readdirSync(path, { encoding: "buffer" }).sort(Buffer.compare);
  if (child !== undefined && random.chance(0.3)) renameSync(within(child), within(Buffer.from(`renamed${number}`)));
  else writeFileSync(within(Buffer.from(`added${number}`)), random.bytes(random.integer(0, 3000)));
}

function allPaths(directory: Buffer): Buffer[] {
  return readdirSync(directory, { encoding: "buffer" })
    .sort(Buffer.compare)
    .flatMap((name) => {
      const path = Buffer.concat([directory, Buffer.from("/"), name]);
      return lstatSync(path).isDirectory() ? [path, ...allPaths(path)] : [path];
    });
}
