// Turns the paths that a backup is asked for into the top of the snapshot's tree: one directory node per component of an
// absolute target, entries directly in the root for "." or "/". Paths are raw bytes, one character per byte.

/** A file or directory of the source that is to be saved with everything below it. */
export interface TargetEntry {
  readonly kind: "entry";
  /** Where it lies. */
  readonly path: string;
  /** Named by the caller itself: excludes do not apply to it. */
  readonly isExplicit: boolean;
}

/** A directory of which only some entries are saved, because targets lie below it. */
export interface TargetDirectory {
  readonly kind: "directory";
  /** Where its metadata come from. */
  readonly path: string;
  readonly children: Map<string, Target>;
}

export type Target = TargetEntry | TargetDirectory;

/** Names of a directory; throws Node's error. */
export type ListNames = (path: string) => readonly string[];

interface PlannedNode {
  /** Set: everything at this path is saved. */
  entry: { readonly path: string; readonly isExplicit: boolean } | undefined;
  /** Directory of the first component's parent: tells equal names of different places apart. */
  readonly origin: string;
  /** Path of the node itself, for its metadata. */
  readonly path: string;
  readonly children: Map<string, PlannedNode>;
}

/** Absolute, cleaned: what a snapshot records for a target. */
export function absolutePath(path: string, workingDirectory: string): string {
  return cleanPath(path.startsWith("/") ? path : `${workingDirectory}/${path}`);
}

/** Go's filepath.Clean. */
export function cleanPath(path: string): string {
  const isAbsolute = path.startsWith("/");
  const kept: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") kept.push(part);
    else if (kept.length > 0 && kept.at(-1) !== "..") kept.pop();
    else if (!isAbsolute) kept.push(part);
  }
  return (isAbsolute ? "/" : "") + kept.join("/") || ".";
}

/** True for ".", "..", "../..", "/": targets whose entries lie directly in the snapshot's root. */
export function hasNoName(path: string): boolean {
  return componentsOf(cleanPath(path)).length === 0;
}

/**
 * The root of the snapshot for these targets.
 * @param paths cleaned; those that do not exist were left out.
 */
export function planTargets(paths: readonly string[], listNames: ListNames): TargetDirectory {
  const root: PlannedNode = { entry: undefined, origin: "", path: "/", children: new Map() };
  for (const path of new Set(paths)) {
    if (!hasNoName(path)) addTarget(root, path, true);
    else for (const name of listNames(path)) addTarget(root, joinPath(path, name), false);
  }
  return { kind: "directory", path: "/", children: resolveChildren(root, listNames) };
}

function addTarget(root: PlannedNode, path: string, isExplicit: boolean): void {
  const components = componentsOf(path);
  let { base } = splitBase(path);
  let node = root;
  for (const [depth, component] of components.entries()) {
    const nodePath = joinPath(base, component);
    node = depth === 0 ? firstChild(root, component, base) : childOf(node, component, nodePath);
    base = nodePath;
  }
  node.entry ??= { path, isExplicit };
  if (isExplicit) node.entry = { path, isExplicit };
}

/** Two relative targets may begin with the same name in different places: the second one gets another name. */
function firstChild(root: PlannedNode, component: string, origin: string): PlannedNode {
  for (let attempt = 0; ; attempt++) {
    const name = attempt === 0 ? component : `${component}-${attempt}`;
    const known = root.children.get(name);
    if (known?.origin === origin) return known;
    if (known !== undefined) continue;
    const node: PlannedNode = { entry: undefined, origin, path: joinPath(origin, component), children: new Map() };
    root.children.set(name, node);
    return node;
  }
}

function childOf(parent: PlannedNode, name: string, path: string): PlannedNode {
  let node = parent.children.get(name);
  if (node === undefined) {
    node = { entry: undefined, origin: parent.origin, path, children: new Map() };
    parent.children.set(name, node);
  }
  return node;
}

/** A target with other targets below it is opened up: all its entries are targets of their own, unless they are named. */
function resolveChildren(node: PlannedNode, listNames: ListNames): Map<string, Target> {
  if (node.entry !== undefined) {
    for (const name of listNames(node.entry.path)) {
      const path = joinPath(node.entry.path, name);
      const child = childOf(node, name, path);
      child.entry ??= { path, isExplicit: false };
    }
  }
  return new Map([...node.children].map(([name, child]) => [name, resolve(child, listNames)]));
}

function resolve(node: PlannedNode, listNames: ListNames): Target {
  if (node.entry !== undefined && node.children.size === 0) return { kind: "entry", ...node.entry };
  return { kind: "directory", path: node.path, children: resolveChildren(node, listNames) };
}

/** Names from the root of the snapshot on; a relative path's leading ".." have none. */
function componentsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== "." && part !== "..");
}

/** The place that the first component lies in: "/", "." or "../..". */
function splitBase(path: string): { base: string } {
  if (path.startsWith("/")) return { base: "/" };
  const ups = path.split("/").filter((part) => part === "..").length;
  return { base: ups === 0 ? "." : new Array<string>(ups).fill("..").join("/") };
}

function joinPath(directory: string, name: string): string {
  if (directory === ".") return name;
  return directory.endsWith("/") ? directory + name : `${directory}/${name}`;
}
