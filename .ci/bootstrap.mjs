// Starts a script of this repository on its own Node 24, whatever Node (20 or newer) the machine has, and installs the
// dependencies first when they are missing or not those of the lockfile. Needs no dependency itself.
// Usage: bootstrap.mjs [--here] SCRIPT [ARGUMENT…]; with --here the script runs where npm was called, else at the root.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname ?? new URL(".", import.meta.url).pathname, "..");
const node24 = join(root, "node_modules", ".bin", "node");

/** Says why an installation is needed, or undefined when what is installed is what the lockfile says. */
function reasonToInstall() {
  const installedList = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(installedList) || !existsSync(node24)) return "the dependencies are not installed yet";
  const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  const installed = JSON.parse(readFileSync(installedList, "utf8")).packages;
  for (const [path, { version, integrity, optional }] of Object.entries(wanted)) {
    const found = installed[path];
    // Optional packages of other platforms are in the lockfile but never installed.
    if (path === "" || (found === undefined && optional)) continue;
    if (found?.version !== version || found.integrity !== integrity) return `${path} is not at ${version}`;
  }
  const surplus = Object.keys(installed).find((path) => wanted[path] === undefined);
  return surplus === undefined ? undefined : `${surplus} is no longer wanted`;
}

function install(reason) {
  console.error(`installing dependencies: ${reason}`);
  const npm = process.env.npm_execpath?.endsWith(".js") ? [process.execPath, process.env.npm_execpath] : ["npm"];
  const { status, error } = spawnSync(npm[0], [...npm.slice(1), "ci", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (status !== 0) {
    console.error(`npm ci failed${error === undefined ? "" : `: ${error.message}`}; see the lines above`);
    process.exit(1);
  }
}

const reason = reasonToInstall();
if (reason !== undefined) install(reason);

const words = process.argv.slice(2);
const here = words[0] === "--here";
const [script = "", ...args] = here ? words.slice(1) : words;
const child = spawn(node24, [join(root, script), ...args], {
  cwd: here ? (process.env.INIT_CWD ?? process.cwd()) : root,
  stdio: "inherit",
});
// A terminal sends Ctrl-C to the child as well; the child decides how it ends, and this process ends as it did.
const onTerminal = [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY);
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(name, () => {
    if (name !== "SIGINT" || !onTerminal) child.kill(name);
  });
}
child.on("error", (error) => {
  console.error(`cannot start ${node24}: ${error.message}`);
  process.exit(1);
});
child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
