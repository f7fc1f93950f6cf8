// Asks Go itself: runs a small program that uses nothing but the standard library.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeTemporaryDirectory, removeDirectory } from "./temporary-directory.ts";

/** @returns what the program prints for the input. */
export function runGoProgram(source: string, input: string = ""): string {
  const folder = makeTemporaryDirectory("go");
  try {
    writeFileSync(join(folder, "main.go"), source);
    const env = { ...process.env, GO111MODULE: "on", GOFLAGS: "", GOWORK: "off" };
    return execFileSync("go", ["run", "main.go"], { cwd: folder, env, input, encoding: "utf8", maxBuffer: 1 << 28 });
  } finally {
    removeDirectory(folder);
  }
}
