// A copy of a directory tree with everything that a comparison looks at, to the nanosecond, which Node's own copy rounds.
import { spawnSync } from "node:child_process";

/** The target is made; what it held is replaced where the source has something of that name. */
export function copyTree(source: string, target: string): void {
  const { status, stderr } = spawnSync("cp", ["-aT", source, target], { encoding: "utf8" });
  if (status !== 0) throw new Error(`cp -a ${source}: ${stderr}`);
}
