// The embedded default: a repository in a directory, nothing else needed. Backs up, backs up again, restores, compares.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { compareTrees } from "../support/compare-trees.ts";
import { startChild } from "./children.ts";
import { heading, say } from "./narration.ts";
import { changeSampleFiles, writeSampleFiles } from "./sample-files.ts";

const program = join(import.meta.dirname, "..", "..", "src", "main.ts");

/** Runs the command line with its live progress on this terminal. */
async function stowage(words: readonly string[], env: Record<string, string>): Promise<void> {
  say(`$ stowage ${words.join(" ")}`);
  const { ended } = startChild(process.execPath, [program, ...words], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, ...env },
  });
  const code = await ended;
  if (code !== 0) throw new Error(`stowage ${words.join(" ")} ended with ${code}`);
}

/** Throws when the restored files are not the same. */
export async function showEmbedded(folder: string): Promise<void> {
  heading("The command line on a local directory, without a cluster");
  const files = join(folder, "files");
  mkdirSync(files, { recursive: true });
  writeSampleFiles(files, 256);
  const env = {
    RESTIC_REPOSITORY: join(folder, "repository"),
    RESTIC_PASSWORD: "quickstart",
    XDG_CACHE_HOME: join(folder, "cache"),
  };
  await stowage(["repo", "init"], env);
  await stowage(["repo", "backup", files], env);
  changeSampleFiles(files);
  say("one new file; the second backup reads and stores little more than that:");
  await stowage(["repo", "backup", files], env);
  await stowage(["repo", "restore", `latest:${files}`, "--target", join(folder, "restored"), "--verify"], env);
  assertSame(files, join(folder, "restored"));
}

/** Compares all entries below two directories: bytes, owners, modes, times, links and attributes. */
export function assertSame(original: string, restored: string): void {
  const differences = compareTrees(original, restored, { root: false });
  if (differences.length > 0) throw new Error(`restored files differ:\n${differences.slice(0, 20).join("\n")}`);
  say("compared: every byte, owner, mode, time and link is the same");
}
