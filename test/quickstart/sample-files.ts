// Real files for the demonstration: this project's own sources, and a few hundred MB of data, half of which compress.
import { randomFillSync } from "node:crypto";
import { chmodSync, chownSync, cpSync, linkSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..", "..");
const mebibyte = 1024 * 1024;

/** Copies the project's sources and adds `megabytes` MB of made-up data, links, odd names, modes and times. */
export function writeSampleFiles(folder: string, megabytes: number): void {
  for (const part of ["src", "agent", "repo-format", "manifests", "package.json"]) {
    cpSync(join(root, part), join(folder, "project", part), { recursive: true });
  }
  mkdirSync(join(folder, "media"), { recursive: true });
  for (let file = 0; file * 32 < megabytes; file++) {
    writeFileSync(join(folder, "media", `part-${file}`), file % 2 === 0 ? randomBlock(32) : textBlock(32));
  }
  writeFileSync(join(folder, "secret.txt"), "only for the owner\n", { mode: 0o600 });
  writeFileSync(
    Buffer.concat([Buffer.from(`${folder}/latin1-`), Buffer.from([0xe9, 0xff])]),
    "a name that is not UTF-8\n",
  );
  linkSync(join(folder, "secret.txt"), join(folder, "hard-link.txt"));
  symlinkSync("project/package.json", join(folder, "link-to-package"));
  chmodSync(join(folder, "media"), 0o750);
  utimesSync(join(folder, "secret.txt"), -86_400, -86_400);
  // Owners other than root, as in a pod that runs as a user of its own; only root may give files away.
  if (process.getuid?.() === 0) chownSync(join(folder, "media", "part-0"), 1000, 1000);
}

/** A small change, so that the second backup has something to find. */
export function changeSampleFiles(folder: string): void {
  writeFileSync(join(folder, "project", "new-file.txt"), "written between two backups\n");
}

function randomBlock(megabytes: number): Buffer {
  return randomFillSync(Buffer.allocUnsafe(megabytes * mebibyte));
}

/** Words in random order: about as compressible as prose. */
function textBlock(megabytes: number): Buffer {
  const words = "volume pod node backup restore snapshot blob pack index lock key tree chunk agent server helper".split(
    " ",
  );
  const block = Buffer.allocUnsafe(megabytes * mebibyte);
  const picks = randomFillSync(Buffer.allocUnsafe(block.length / 4));
  let end = 0;
  for (let next = 0; end < block.length; next++)
    end += block.write(`${words[(picks[next % picks.length] ?? 0) % words.length]} `, end, "latin1");
  return block;
}
