// What must hold for the tree as a whole: unit tests mirror the sources, the engine's front door is documented, the
// bridge to the engine stays small, dependencies are pinned and run no install scripts but the named ones.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import test from "node:test";
import typescript from "typescript";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const root = join(import.meta.dirname, "..", "..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");

test("every unit test has the source that its path names", () => {
  assert.deepEqual(unitTestsAstray(root), []);
});

test("a unit test whose source was moved is found", (t) => {
  const tree = temporaryDirectory(t, "mirror");
  for (const path of ["src/kept.ts", "test/unit/src/kept.test.ts", "test/unit/src/moved.test.ts"]) {
    mkdirSync(join(tree, dirname(path)), { recursive: true });
    writeFileSync(join(tree, path), "");
  }
  assert.deepEqual(unitTestsAstray(tree), ["test/unit/src/moved.test.ts"]);
});

test("every export of the engine's front door has a doc comment", () => {
  assert.deepEqual(undocumentedExports(join(root, "repo-format", "index.ts")), []);
});

test("an export without a doc comment is found", (t) => {
  const entry = join(temporaryDirectory(t, "front-door"), "index.ts");
  writeFileSync(entry, "/** Documented. */\nexport const documented: number = 1;\n\nexport const bare: number = 2;\n");
  assert.deepEqual(undocumentedExports(entry), ["bare"]);
});

test("the bridge to the engine stays under 400 lines in all", () => {
  const lineCount = linesBelow(join(root, "src/repository-access"));
  assert.ok(lineCount > 0);
  assert.ok(lineCount < 400, `${lineCount} lines: translate settings and open, nothing else`);
});

test("the lines of a bridge are those of all its files", (t) => {
  const tree = temporaryDirectory(t, "bridge");
  mkdirSync(join(tree, "deeper"));
  writeFileSync(join(tree, "one.ts"), "\n".repeat(250));
  writeFileSync(join(tree, "deeper", "two.ts"), "\n".repeat(150));
  assert.equal(linesBelow(tree), 400);
});

test("what is committed is text: no profile, no binary, no archive", () => {
  const committed = execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" })
    .split("\0")
    .filter(Boolean);
  assert.ok(committed.length > 1000, `${committed.length} files`);
  assert.deepEqual(binariesAmong(root, committed), []);
});

test("a file with a NUL byte is found", (t) => {
  const tree = temporaryDirectory(t, "binaries");
  writeFileSync(join(tree, "text.ts"), "// text\n");
  writeFileSync(join(tree, "perf.data"), "PERFILE2\0\0");
  assert.deepEqual(binariesAmong(tree, ["text.ts", "perf.data", "removed"]), ["perf.data"]);
});

test("dependencies are pinned to exact versions", () => {
  assert.deepEqual(looseVersions(read("package.json")), []);
});

test("a range, a tag and an address are no exact versions", () => {
  const dependencies = { exact: "1.2.3", range: "^1.2.3", tag: "latest" };
  const devDependencies = { address: "https://packages.example/one.tgz", short: "1.2" };
  assert.deepEqual(looseVersions(JSON.stringify({ dependencies, devDependencies })), [
    "range",
    "tag",
    "address",
    "short",
  ]);
});

test("no package has an install script but those that are allowed by name", () => {
  const { allowScripts } = JSON.parse(read("package.json")) as { allowScripts: Record<string, boolean> };
  // npm 11 refuses others (strict-allow-scripts in .npmrc); npm 10 would run them.
  assert.deepEqual(packagesWithScripts(read("package-lock.json")), Object.keys(allowScripts).sort());
  assert.match(read(".npmrc"), /^strict-allow-scripts=true$/m);
});

test("a package with an install script is found, however deep it lies", () => {
  const packages = {
    "node_modules/plain": {},
    "node_modules/plain/node_modules/@scope/deep": { hasInstallScript: true },
    "node_modules/direct": { hasInstallScript: true },
  };
  assert.deepEqual(packagesWithScripts(JSON.stringify({ packages })), ["@scope/deep", "direct"]);
});

test("the lockfile names no registry, so that everybody's own is used", () => {
  assert.doesNotMatch(read("package-lock.json"), /"resolved"/);
});

/** Unit tests below `tree` without the source that their path names. */
function unitTestsAstray(tree: string): string[] {
  return globSync("test/unit/**/*.test.ts", { cwd: tree }).filter((path) => {
    const source = path.replace(/^test\/unit\//, "").replace(/\.test\.ts$/, ".ts");
    return !existsSync(join(tree, source));
  });
}

/** Of these paths; what is not there any more is no concern of ours. */
function binariesAmong(tree: string, paths: readonly string[]): string[] {
  const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
  return paths.filter((path) => isFile(join(tree, path)) && readFileSync(join(tree, path)).includes(0));
}

function linesBelow(folder: string): number {
  const files = globSync("**/*.ts", { cwd: folder });
  return files.reduce((sum, file) => sum + readFileSync(join(folder, file), "utf8").split("\n").length - 1, 0);
}

/** Names of the dependencies in the text of a package.json whose version is not exact. */
function looseVersions(manifest: string): string[] {
  const { dependencies, devDependencies } = JSON.parse(manifest) as Record<string, Record<string, string>>;
  const all = Object.entries({ ...dependencies, ...devDependencies });
  return all.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version)).map(([name]) => name);
}

/** Names of the packages in the text of a lockfile that run a script when they are installed, sorted. */
function packagesWithScripts(lockfile: string): string[] {
  const { packages } = JSON.parse(lockfile) as { packages: Record<string, { hasInstallScript?: boolean }> };
  const withScript = Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript === true);
  return withScript.map(([path]) => path.replace(/^.*node_modules\//, "")).sort();
}

/** Names that `entry` exports, directly or from elsewhere, and that have no doc comment where they are declared. */
function undocumentedExports(entry: string): string[] {
  const config = typescript.readConfigFile(join(root, "tsconfig.json"), typescript.sys.readFile);
  const { options } = typescript.parseJsonConfigFileContent({ ...config.config, include: [] }, typescript.sys, root);
  const program = typescript.createProgram([entry], { ...options, noEmit: true });
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(entry);
  const module = file && checker.getSymbolAtLocation(file);
  assert.ok(module !== undefined, `${entry} is no module`);
  const exported = checker.getExportsOfModule(module);
  assert.ok(exported.length > 0);
  return exported.filter((symbol) => !isDocumented(checker, symbol)).map((symbol) => symbol.name);
}

function isDocumented(checker: typescript.TypeChecker, symbol: typescript.Symbol): boolean {
  const isAlias = (symbol.flags & typescript.SymbolFlags.Alias) !== 0;
  const declared = isAlias ? checker.getAliasedSymbol(symbol) : symbol;
  return declared.getDocumentationComment(checker).length > 0;
}
