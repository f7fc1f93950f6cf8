// Reads the Dockerfile and follows it without a container engine: its build stage in a folder, its runtime stage as a root
// file system. What it cannot follow it refuses, so that the two cannot drift apart.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, realpathSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { runProcess } from "./processes.ts";

export const repositoryRoot: string = join(import.meta.dirname, "..", "..");

export interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** Instructions of one stage, continued lines joined. */
export type Stage = readonly Instruction[];

export interface Dockerfile {
  readonly build: Stage;
  readonly runtime: Stage;
}

/** What a container gets besides its files. */
export interface ImageSettings {
  readonly environment: readonly string[];
  readonly user: string;
  readonly entrypoint: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** @throws when it has not two stages. */
export function readDockerfile(text: string = readFileSync(join(repositoryRoot, "Dockerfile"), "utf8")): Dockerfile {
  const stages = text
    .replaceAll(/^#.*\n/gm, "")
    .replaceAll(/\\\n\s*/g, " ")
    .split(/^(?=FROM )/m)
    .filter((stage) => stage.startsWith("FROM "))
    .map((stage) => stage.trim().split("\n").filter(Boolean).map(instruction));
  const [build, runtime] = stages;
  if (build === undefined || runtime === undefined || stages.length > 2)
    throw new Error(`the Dockerfile has ${stages.length} stages; it is followed as one that builds and one that runs`);
  return { build, runtime };
}

export function textsOf(stage: Stage, name: string): string[] {
  return stage.filter((one) => one.name === name).map((one) => one.text);
}

/** Paths that a stage copies from the tree. */
export function copiedFromTree(stage: Stage): string[] {
  const copies = textsOf(stage, "COPY").filter((text) => !text.startsWith("--from="));
  return copies.flatMap((text) => text.split(/\s+/).slice(0, -1));
}

/** What the build stage runs. Here `npm ci` was run before, and `copyProductionPackages` does what follows the build. */
const buildCommands = [
  "npm ci --no-audit --no-fund",
  "npm run build && npm prune --omit=dev --ignore-scripts && node .ci/trim-modules.mjs node_modules",
];

/**
 * The files that the build stage copies, compiled in `folder`. Its node_modules is the tree's own, as `npm ci` makes it.
 * @throws when the build fails, or does more than this knows.
 */
export async function followBuildStage({ build }: Dockerfile, folder: string): Promise<void> {
  const commands = textsOf(build, "RUN").map((text) => text.replaceAll(/\s+/g, " "));
  if (commands.join("\n") !== buildCommands.join("\n"))
    throw new Error(`the Dockerfile's build stage runs what is not followed here: ${commands.join("; ")}`);
  for (const path of copiedFromTree(build)) cpSync(join(repositoryRoot, path), join(folder, path), { recursive: true });
  symlinkSync(join(repositoryRoot, "node_modules"), join(folder, "node_modules"));
  const { code, stdout, stderr } = await runProcess("npm", { args: ["run", "build"], cwd: folder });
  if (code !== 0) throw new Error(`npm run build: ${stdout}${stderr}`);
}

export interface RuntimeOptions {
  /** Where the build stage was followed. */
  readonly buildFolder: string;
  /** Becomes the image's root. */
  readonly root: string;
  /** How node_modules get there. */
  readonly copyModules: (target: string) => void;
}

/** Copies and links what the runtime stage says. @throws for an instruction that is not followed here. */
export function followRuntimeStage({ runtime }: Dockerfile, options: RuntimeOptions): ImageSettings {
  for (const { name, text } of runtime) {
    if (name === "COPY") copy(text, options);
    else if (name === "RUN") run(text, options.root);
    else if (!["FROM", "LABEL", "ENV", "USER", "ENTRYPOINT"].includes(name)) throw new Error(`${name} is not followed`);
  }
  return settingsOf(runtime);
}

function copy(text: string, { buildFolder, root, copyModules }: RuntimeOptions): void {
  const [first = "", ...rest] = text.split(/\s+/);
  const isFromBuild = first === "--from=build";
  const [source = "", target = ""] = isFromBuild ? rest : [first, ...rest];
  mkdirSync(dirname(join(root, target)), { recursive: true });
  if (source === "/build/node_modules") copyModules(join(root, target));
  else if (isFromBuild)
    cpSync(join(buildFolder, source.replace(/^\/build\//, "")), join(root, target), { recursive: true });
  else cpSync(join(repositoryRoot, source), join(root, target), { recursive: true });
}

/** Links are made; what is removed from the base image was never here. */
function run(text: string, root: string): void {
  for (const command of text.split("&&").map((part) => part.trim().split(/\s+/))) {
    const [program, flag, target = "", name = ""] = command;
    if (program === "rm") continue;
    if (program !== "ln" || flag !== "-s")
      throw new Error(`the Dockerfile runs what is not followed: ${command.join(" ")}`);
    mkdirSync(dirname(join(root, name)), { recursive: true });
    symlinkSync(target, join(root, name));
  }
}

function settingsOf(runtime: Stage): ImageSettings {
  const [user = ""] = textsOf(runtime, "USER");
  const [entrypoint = "[]"] = textsOf(runtime, "ENTRYPOINT");
  const labels = textsOf(runtime, "LABEL").flatMap((text) => [...text.matchAll(/([\w.]+)="([^"]*)"/g)]);
  return {
    environment: textsOf(runtime, "ENV"),
    user,
    entrypoint: JSON.parse(entrypoint) as string[],
    labels: Object.fromEntries(labels.map(([, key = "", value = ""]) => [key, value])),
  };
}

/** Folders of packages that `npm prune --omit=dev` keeps, as paths from the root. */
export function productionPackages(): string[] {
  const lock = JSON.parse(readFileSync(join(repositoryRoot, "package-lock.json"), "utf8")) as Lockfile;
  return Object.keys(lock.packages).filter((path) => path !== "" && lock.packages[path]?.dev !== true);
}

interface Lockfile {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>;
}

/** Copies the production packages, trimmed; optional ones of other platforms are not there. */
export function copyProductionPackages(target: string): void {
  const modules = realpathSync(join(repositoryRoot, "node_modules"));
  for (const path of productionPackages()) {
    const name = path.replace(/^node_modules\//, "");
    const source = join(modules, name);
    if (!existsSync(source)) continue;
    cpSync(source, join(target, name), {
      recursive: true,
      force: true,
      errorOnExist: false,
      // Packages within packages are in the lockfile by themselves.
      filter: (file) => !file.slice(source.length).includes("/node_modules"),
    });
  }
  execFileSync(process.execPath, [join(repositoryRoot, ".ci", "trim-modules.mjs"), target]);
}

function instruction(line: string): Instruction {
  return { name: line.slice(0, line.indexOf(" ")), text: line.slice(line.indexOf(" ") + 1).trim() };
}
