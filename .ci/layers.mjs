// Who may import whom: the rules that dependency-cruiser holds the import graph against (.ci/check-layers.ts runs it).
// A new arrow between folders is a reviewed line in this file. Each rule has a breach in test/architecture that it finds.

const testsAndBenches = "^(test|bench)/";
const production = "^(repo-format|agent|src)/";
const network = "^(node:)?(net|tls|http|https|http2|dgram|dns|dns/promises)$";
const files = "^(node:)?fs(/promises)?$";
const threads = "^(node:)?(worker_threads|cluster)$";

/** Inside the engine, `from` may import its own folder, the error table and `allowed`; everything else is refused. */
function engineLevel(name, from, allowed, comment) {
  const own = [...allowed, "errors\\.ts$", "$1/"].join("|");
  return {
    name,
    comment,
    severity: "error",
    from: { path: `^repo-format/(${from})/` },
    to: { path: "^repo-format/", pathNot: `^repo-format/(${own})` },
  };
}

function onlyOwner(packageName, owner, comment) {
  return {
    name: `one-owner-per-package-${packageName.replaceAll(/[@/]+/g, "-").replace(/^-|-$/g, "")}`,
    comment,
    severity: "error",
    from: { pathNot: `${owner}|${testsAndBenches}` },
    to: { path: `(^|/)node_modules/${packageName}` },
  };
}

const shape = [
  {
    name: "no-cycles",
    comment:
      "Files that import each other, be it only for types, can only be understood together: move the shared part down.",
    severity: "error",
    from: {},
    to: { circular: true },
  },
  {
    name: "no-unresolvable",
    comment: "The import leads nowhere.",
    severity: "error",
    from: {},
    to: { couldNotResolve: true },
  },
  {
    name: "no-orphans",
    comment: "No production file imports this one: delete it, or use it. Tests do not count as users.",
    severity: "error",
    module: {
      path: production,
      pathNot: "(^|/)main\\.ts$|^repo-format/(index|workers/blob-worker)\\.ts$|\\.d\\.ts$",
      numberOfDependentsLessThan: 1,
    },
    from: { path: production },
  },
  {
    name: "not-to-dev-dep",
    comment: "The image has no development dependencies: what production imports belongs into dependencies.",
    severity: "error",
    from: { path: production },
    to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["type-only", "npm"] },
  },
  {
    name: "production-knows-no-tests",
    comment: "The image leaves test and bench out.",
    severity: "error",
    from: { pathNot: testsAndBenches },
    to: { path: testsAndBenches },
  },
  {
    name: "entries-are-not-imported",
    comment:
      "main.ts and blob-worker.ts act when they are loaded; only src/main.ts may load them (workers by worker-url.ts).",
    severity: "error",
    from: { pathNot: "^src/main\\.ts$" },
    to: { path: "(^|/)main\\.ts$|^repo-format/workers/blob-worker\\.ts$" },
  },
  {
    name: "executable-loads-only-entries",
    comment: "src/main.ts picks a role and loads that role's main.ts; logic there would be loaded by every role.",
    severity: "error",
    from: { path: "^src/main\\.ts$" },
    to: { path: production, pathNot: "(^|/)main\\.ts$" },
  },
  {
    name: "roles-are-loaded-alone",
    comment: "src/main.ts imports a role's main.ts dynamically, so that one role never pays for another.",
    severity: "error",
    from: { path: "^src/main\\.ts$" },
    to: { path: "(^|/)main\\.ts$", dynamic: false },
  },
  {
    name: "s3-is-loaded-on-demand",
    comment: "The S3 client takes 70 ms to load; a command on a directory does not pay for it (storage/location.ts).",
    severity: "error",
    from: { path: production, pathNot: "^repo-format/storage/s3/" },
    to: { path: "^repo-format/storage/s3/", dynamic: false, dependencyTypesNot: ["type-only"] },
  },
];

const acrossRoots = [
  {
    name: "engine-knows-no-kubernetes",
    comment:
      "The engine serves the command line without any cluster; a test without one must be able to run all of it.",
    severity: "error",
    from: { path: "^repo-format/" },
    to: { path: "^(agent|src)/|(^|/)node_modules/@kubernetes/" },
  },
  {
    name: "engine-front-door",
    comment: "Outside the engine only repo-format/index.ts is imported, so that everything behind it may change.",
    severity: "error",
    from: { path: "^(agent|src)/" },
    to: { path: "^repo-format/", pathNot: "^repo-format/index\\.ts$" },
  },
  {
    name: "engine-callers",
    comment: "Four folders drive the engine; the rest decides from resources and uses at most the engine's types.",
    severity: "error",
    from: {
      path: "^(agent|src)/",
      pathNot: "^(agent/data-path|src/repository-access|src/server/maintenance|src/cli/repo)/",
    },
    to: { path: "^repo-format/", dependencyTypesNot: ["type-only"] },
  },
  {
    name: "processes-are-separate",
    comment: "Agent, server and command line meet in custom resources, never in imports.",
    severity: "error",
    from: { path: "^(agent|src/server|src/cli)/" },
    to: { path: "^(agent|src/server|src/cli)/", pathNot: "^$1/" },
  },
  {
    name: "restore-helper-stands-alone",
    comment:
      "The init container starts in every restored pod: of the agent it knows the names of the marker files only.",
    severity: "error",
    from: { path: "^agent/restore-helper/" },
    to: { path: "^agent/", pathNot: "^agent/(restore-helper/|data-path/[a-z-]*marker[a-z-]*\\.ts$)" },
  },
  {
    name: "shared-code-knows-no-process",
    comment: "Arrows between the roots point one way: what all processes share must not lean on one of them.",
    severity: "error",
    from: { path: "^src/(repository-access|kube|platform|api)/" },
    to: { path: "^(agent/|src/(server|cli)/|src/main\\.ts$)" },
  },
  {
    name: "api-is-a-leaf",
    comment: "Kinds, phases and field checks are data: they import nothing, so that everything may import them.",
    severity: "error",
    from: { path: "^src/api/" },
    to: { pathNot: "^src/api/", dependencyTypesNot: ["core"] },
  },
  {
    name: "kube-knows-no-kinds",
    comment: "The client layer works for any resource; a kind of ours in it would be a rule in the wrong place.",
    severity: "error",
    from: { path: "^src/kube/" },
    to: { path: "^(src|repo-format)/", pathNot: "^src/(kube|platform)/" },
  },
  {
    name: "platform-is-the-bottom",
    comment: "Logger, metrics, clock and shutdown serve everybody and so may know nobody.",
    severity: "error",
    from: { path: "^src/platform/" },
    to: { path: "^(src|agent|repo-format)/", pathNot: "^src/platform/" },
  },
];

const level0 = ["format/", "chunker/", "compression/", "native/"];
const level1 = ["crypto/", "storage/", "file-tree/"];
const engineLevels = [
  engineLevel(
    "engine-level-0",
    "format|chunker|compression|native",
    [],
    "Codecs stand alone; siblings do not see each other.",
  ),
  engineLevel(
    "engine-level-1",
    "crypto|storage|file-tree",
    level0,
    "Crypto, storage and file-tree know level 0 and not each other.",
  ),
  engineLevel(
    "engine-level-2",
    "pack|index",
    [...level0, ...level1],
    "Packs and index know levels 0 and 1, not each other.",
  ),
  engineLevel(
    "engine-level-2-notes",
    "notes",
    ["format/", "file-tree/", "storage/local-files\\.ts$"],
    "Notes are small local files about other local files; they know no repository but by its id.",
  ),
  engineLevel(
    "engine-level-3-repository",
    "repository",
    // Of the chunker only what draws the polynomial of a new config, which restic insists on.
    // Of the native calls only what gives memory back.
    [
      "format/",
      "native/free-memory\\.ts$",
      "chunker/gf2-polynomial\\.ts$",
      "compression/",
      "crypto/",
      "storage/",
      "pack/",
      "index/",
    ],
    "The repository never cuts chunks and never touches user files: archiver and restorer do, through workers.",
  ),
  engineLevel(
    "engine-level-3-workers",
    "workers",
    [...level0, "crypto/", "file-tree/", "pack/", "index/"],
    "Threads have no network: only the main thread talks to the store.",
  ),
  engineLevel(
    "engine-level-4",
    "archiver|restorer|inspect",
    ["format/", "native/free-memory\\.ts$", "file-tree/", "notes/", "repository/", "workers/"],
    "These stand beside each other on top of the repository; packs, index and storage are its inner parts.",
  ),
  engineLevel(
    "engine-level-4-maintenance",
    "maintenance",
    ["format/", "native/", "file-tree/", "repository/", "workers/", "storage/", "pack/", "index/"],
    "Maintenance repacks, so it may see packs, index and storage; never archiver, restorer or inspect.",
  ),
  {
    name: "codecs-do-no-io",
    comment: "Stored formats are pure functions of bytes: no files, network or threads.",
    severity: "error",
    from: { path: "^repo-format/(errors\\.ts$|format/|chunker/|compression/)" },
    to: { path: `${network}|${files}|${threads}` },
  },
  {
    name: "network-belongs-to-storage",
    comment: "All traffic passes the storage wrappers for retry, limits and metering.",
    severity: "error",
    from: { path: "^repo-format/", pathNot: "^repo-format/storage/" },
    to: { path: network },
  },
  {
    name: "files-have-three-owners",
    comment:
      "User data is walked through directory handles in file-tree; storage and notes have directories of their own.",
    severity: "error",
    from: { path: "^repo-format/", pathNot: "^repo-format/(storage|file-tree|notes)/" },
    to: { path: files },
  },
  {
    name: "threads-belong-to-workers",
    comment: "One place knows how threads are started and how messages and errors cross.",
    severity: "error",
    from: { path: "^repo-format/", pathNot: "^repo-format/workers/" },
    to: { path: threads },
  },
];

const packageOwners = [
  onlyOwner(
    "@kubernetes/client-node",
    "^src/kube/",
    "The client's callbacks and any-types stay behind our own client.",
  ),
  onlyOwner("ws/", "^src/kube/exec\\.ts$", "WebSockets are for commands in containers, and speak one protocol."),
  onlyOwner("@aws-sdk/", "^repo-format/storage/s3/", "S3 is one implementation of the storage interface."),
  onlyOwner("@smithy/", "^repo-format/storage/s3/", "It belongs to the S3 client."),
  onlyOwner("koffi/", "^repo-format/native/libc\\.ts$", "One door to native calls."),
  onlyOwner("sodium-native/", "^repo-format/crypto/native\\.ts$", "The native provider; portable.ts stands in for it."),
  onlyOwner("@noble/", "^repo-format/crypto/", "The portable provider."),
  onlyOwner("zstd-napi/", "^repo-format/compression/", "Compression has one door."),
  onlyOwner("fastcdc-wasm/", "^repo-format/chunker/", "The chunker is an interface; this is one implementation."),
  onlyOwner(
    "croner/",
    "^src/server/schedule/cron-line\\.ts$",
    "Cron lines are read in one place, as Velero reads them.",
  ),
  onlyOwner("pino/", "^src/platform/logger\\.ts$", "One logger set-up."),
  onlyOwner("yaml/", "^src/platform/yaml\\.ts$", "One way to read what people write, with one kind of error."),
  onlyOwner(
    "rfc6902/",
    "^src/server/restore/objects/rules/modifiers/json-patch\\.ts$",
    "It goes on after an operation that failed; our door does not.",
  ),
  onlyOwner("tar-stream/", "^src/server/tarball/", "What comes out of a tarball is checked there, and only there."),
  onlyOwner("prom-client/", "^src/platform/metrics\\.ts$", "One registry of metrics."),
];

// biome-ignore lint/style/noDefaultExport: dependency-cruiser reads its settings from the default export
export default {
  forbidden: [...shape, ...acrossRoots, ...engineLevels, ...packageOwners],
  options: {
    // Also the imports that the compiler erases.
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^(dist|coverage)/" },
    combinedDependencies: false,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "types", "default"],
      extensions: [".ts", ".js", ".mjs", ".d.ts", ".json"],
    },
  },
};
