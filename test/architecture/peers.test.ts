// The builder of the real programs, with a stand-in for the Go toolchain: built once, whole or not at all, never twice
// at a time, and with a clear word when Go is missing or too old.
import assert from "node:assert/strict";
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { type ProcessResult, runProcess } from "../support/processes.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const builder = join(import.meta.dirname, "..", "peers", "build.ts");

/** Answers as go does; a build takes a moment, writes its output and one line into a log. */
function standInForGo(version: string, onBuild: string): string {
  return `#!/bin/sh
case "$1" in
  env) echo "${version}" ;;
  list) printf 'one\\ntwo\\n' ;;
  build)
    while [ "$1" != "-o" ]; do shift; done
    echo build >> "$GO_LOG"
    /bin/sleep 0.3
    ${onBuild}
    ;;
esac
`;
}

const writeOutput = 'echo program > "$2"';

test("a program is built once, although two ask for it at the same time", async (t) => {
  const place = prepare(t, standInForGo("go1.99.0", writeOutput));
  const results = await Promise.all([build(place), build(place)]);
  assert.deepEqual(
    results.map((result) => result.code),
    [0, 0],
    results.map((result) => result.stderr).join(),
  );
  assert.equal(readFileSync(place.log, "utf8"), "build\n");
  assert.deepEqual(built(place), ["restic"]);
  const again = await build(place);
  assert.deepEqual([again.code, again.stderr], [0, ""]);
  assert.equal(readFileSync(place.log, "utf8"), "build\n");
});

test("a build that fails leaves nothing and shows the compiler's last words", async (t) => {
  const place = prepare(t, standInForGo("go1.99.0", `${writeOutput}; echo "x.go:1:1: no such thing" >&2; exit 1`));
  const { code, stderr } = await build(place);
  assert.equal(code, 1);
  assert.match(stderr, /building restic failed.*x\.go:1:1: no such thing/s);
  assert.deepEqual(built(place), []);
});

test("a toolchain that is too old is named with the version that is needed", async (t) => {
  const { code, stderr } = await build(prepare(t, standInForGo("go1.25.7", writeOutput)));
  assert.equal(code, 1);
  assert.match(stderr, /Go 1\.25\.8 or newer, but this machine has go1\.25\.7/);
});

test("a missing toolchain is named", async (t) => {
  const { code, stderr } = await build(prepare(t, undefined));
  assert.equal(code, 1);
  assert.match(stderr, /no `go` is on the PATH/);
});

test("a program of KUBEBUILDER_ASSETS is taken as it is", async (t) => {
  const place = prepare(t, undefined);
  const assets = temporaryDirectory(t, "assets");
  writeFileSync(join(assets, "etcd"), "");
  const { code, stderr } = await build(place, ["etcd"], { KUBEBUILDER_ASSETS: assets });
  assert.deepEqual([code, stderr], [0, ""]);
  const other = await build(place, ["restic"], { KUBEBUILDER_ASSETS: assets });
  assert.equal(other.code, 1);
});

interface Place {
  readonly cache: string;
  readonly path: string;
  readonly log: string;
}

function prepare(t: TestContext, go: string | undefined): Place {
  const folder = temporaryDirectory(t, "peers");
  const path = join(folder, "bin");
  mkdirSync(path);
  if (go !== undefined) writeFileSync(join(path, "go"), go, { mode: 0o755 });
  return { cache: join(folder, "cache"), path, log: join(folder, "log") };
}

async function build(place: Place, names = ["restic"], env: Record<string, string> = {}): Promise<ProcessResult> {
  return await runProcess(process.execPath, {
    args: [builder, ...names],
    // No other go may be found.
    env: {
      KUBEBUILDER_ASSETS: undefined,
      XDG_CACHE_HOME: place.cache,
      GO_LOG: place.log,
      PATH: place.path,
      ...env,
    },
  });
}

function built({ cache }: Place): string[] {
  assert.ok(existsSync(cache));
  return globSync("stowage/peers/*/*", { cwd: cache }).map((path) => path.split("/").at(-1)!);
}
