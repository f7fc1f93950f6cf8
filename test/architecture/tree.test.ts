// What must hold for the tree as a whole: unit tests mirror the sources, the engine's front door is documented, the
// bridge to the engine stays small, dependencies are pinned and run no install scripts but the named ones.
import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import typescript from "typescript";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const root = join(import.meta.dirname, "..", "..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");

test("every unit test has the source that its path names", () => {
  const astray = globSync("test/unit/**/*.test.ts", { cwd: root }).filter((path) => {
    const source = path.replace(/^test\/unit\//, "").replace(/\.test\.ts$/, ".ts");
    return !existsSync(join(root, source));
  });
  assert.deepEqual(astray, []);
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
  const files = globSync("src/repository-access/**/*.ts", { cwd: root });
  const lineCount = files.reduce((sum, file) => sum + read(file).split("\n").length - 1, 0);
  assert.ok(files.length > 0);
  assert.ok(lineCount < 400, `${lineCount} lines: translate settings and open, nothing else`);
});

test("dependencies are pinned to exact versions", () => {
  const { dependencies, devDependencies } = JSON.parse(read("package.json")) as Record<string, Record<string, string>>;
  const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(
    ([, version]) => !/^\d+\.\d+\.\d+$/.test(version),
  );
  assert.deepEqual(loose, []);
});

test("no package has an install script but those that are allowed by name", () => {
  const lockfile = JSON.parse(read("package-lock.json")) as {
    packages: Record<string, { hasInstallScript?: boolean }>;
  };
  const withScript = Object.entries(lockfile.packages).filter(([, { hasInstallScript }]) => hasInstallScript === true);
  const { allowScripts } = JSON.parse(read("package.json")) as { allowScripts: Record<string, boolean> };
  const names = withScript.map(([path]) => path.replace(/^.*node_modules\//, ""));
  // npm 11 refuses others (strict-allow-scripts in .npmrc); npm 10 would run them.
  assert.deepEqual(names.sort(), Object.keys(allowScripts).sort());
  assert.match(read(".npmrc"), /^strict-allow-scripts=true$/m);
});

test("the lockfile names no registry, so that everybody's own is used", () => {
  assert.doesNotMatch(read("package-lock.json"), /"resolved"/);
});

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
