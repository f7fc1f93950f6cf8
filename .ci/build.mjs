// `npm run build`: compiles production code into dist/, whose src/main.js is the executable `stowage`.
import { spawnSync } from "node:child_process";
import { chmodSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
rmSync(join(root, "dist"), { recursive: true, force: true });
const compiler = createRequire(import.meta.url).resolve("typescript/bin/tsc");
const { status } = spawnSync(process.execPath, [compiler, "-p", join(root, ".ci", "build.json")], { stdio: "inherit" });
if (status !== 0) process.exit(1);
chmodSync(join(root, "dist", "src", "main.js"), 0o755);
