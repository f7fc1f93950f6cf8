// For each rule of .ci/layers.mjs a small tree that breaks it, and nothing else.

/** Path → content. */
export type SourceTree = Readonly<Record<string, string>>;

const nothing = "export const nothing = 0;\n";

function imports(specifier: string): string {
  return `import * as imported from "${specifier}";\nexport const used = imported;\n`;
}

function importsType(specifier: string): string {
  return `import type { nothing } from "${specifier}";\nexport type Used = typeof nothing;\n`;
}

/** A file at `from` that imports the file at `to`; both are there. */
function arrow(from: string, to: string): SourceTree {
  const up = "../".repeat(from.split("/").length - 1);
  return { [from]: imports(`${up}${to}`), [to]: nothing };
}

/** A tree that breaks no rule although it has an arrow of most permitted kinds. */
export const soundTree: SourceTree = {
  "src/main.ts": 'await import("../agent/main.ts");\nawait import("./server/main.ts");\n',
  "agent/main.ts": `${imports("./data-path/backup-volume.ts")}import "./pod-volume-backup/status.ts";\n`,
  "agent/data-path/backup-volume.ts": imports("../../repo-format/index.ts"),
  "agent/pod-volume-backup/status.ts": importsType("../../repo-format/index.ts"),
  "agent/restore-helper/main.ts": imports("../data-path/marker-files.ts"),
  "agent/data-path/marker-files.ts": nothing,
  "src/server/main.ts": imports("../repository-access/open.ts"),
  "src/repository-access/open.ts": `${imports("../kube/typed-client.ts")}import "../../repo-format/index.ts";\n`,
  "src/kube/typed-client.ts": `${imports("../platform/logger.ts")}import "@kubernetes/client-node";\n`,
  "src/platform/logger.ts": imports("pino"),
  "repo-format/index.ts": 'export * from "./archiver/archive.ts";\nexport * from "./maintenance/prune.ts";\n',
  "repo-format/archiver/archive.ts": `${imports("../repository/repository.ts")}import "../workers/pool.ts";\n`,
  "repo-format/maintenance/prune.ts": imports("../pack/pack-reader.ts"),
  "repo-format/repository/repository.ts": `${imports("../storage/local.ts")}import "../chunker/gf2-polynomial.ts";\n`,
  "repo-format/workers/pool.ts": `${imports("node:worker_threads")}import "../crypto/native.ts";\n`,
  "repo-format/workers/blob-worker.ts": imports("../crypto/native.ts"),
  "repo-format/pack/pack-reader.ts": imports("../format/id.ts"),
  "repo-format/storage/local.ts": imports("node:fs"),
  "repo-format/crypto/native.ts": `${imports("sodium-native")}import "../errors.ts";\n`,
  "repo-format/chunker/gf2-polynomial.ts": nothing,
  "repo-format/format/id.ts": imports("node:crypto"),
  "repo-format/errors.ts": nothing,
  "test/unit/repo-format/format/id.test.ts": imports("../../../../repo-format/format/id.ts"),
};

export const breaches: Readonly<Record<string, SourceTree>> = {
  "no-cycles": {
    "src/api/a.ts": importsType("./b.ts"),
    "src/api/b.ts": `${importsType("./a.ts")}${nothing}`,
  },
  "no-unresolvable": { "src/server/a.ts": imports("./gone.ts") },
  "no-orphans": {
    "src/server/unused.ts": nothing,
    "test/unit/src/server/unused.test.ts": imports("../../../../src/server/unused.ts"),
  },
  "not-to-dev-dep": { "src/server/a.ts": imports("fast-check") },
  "production-knows-no-tests": arrow("src/server/a.ts", "test/support/b.ts"),
  "entries-are-not-imported": arrow("src/server/a.ts", "src/server/main.ts"),
  "executable-loads-only-entries": { "src/main.ts": 'await import("./cli/run.ts");\n', "src/cli/run.ts": nothing },
  "roles-are-loaded-alone": arrow("src/main.ts", "src/cli/main.ts"),
  "s3-is-loaded-on-demand": arrow("repo-format/storage/a.ts", "repo-format/storage/s3/b.ts"),
  "engine-knows-no-kubernetes": arrow("repo-format/repository/a.ts", "src/platform/b.ts"),
  "engine-front-door": arrow("agent/data-path/a.ts", "repo-format/format/id.ts"),
  "engine-callers": arrow("agent/pod-volume-backup/a.ts", "repo-format/index.ts"),
  "processes-are-separate": arrow("agent/a.ts", "src/server/b.ts"),
  "restore-helper-stands-alone": arrow("agent/restore-helper/a.ts", "agent/data-path/backup-volume.ts"),
  "shared-code-knows-no-process": arrow("src/repository-access/a.ts", "src/server/b.ts"),
  "api-is-a-leaf": arrow("src/api/a.ts", "src/platform/b.ts"),
  "kube-knows-no-kinds": arrow("src/kube/a.ts", "src/api/b.ts"),
  "platform-is-the-bottom": arrow("src/platform/a.ts", "src/kube/b.ts"),
  "engine-level-0": arrow("repo-format/format/a.ts", "repo-format/compression/b.ts"),
  "engine-level-1": arrow("repo-format/crypto/a.ts", "repo-format/storage/b.ts"),
  "engine-level-2": arrow("repo-format/pack/a.ts", "repo-format/index/b.ts"),
  "engine-level-2-notes": arrow("repo-format/notes/a.ts", "repo-format/repository/b.ts"),
  "engine-level-3-repository": arrow("repo-format/repository/a.ts", "repo-format/file-tree/b.ts"),
  "engine-level-3-workers": arrow("repo-format/workers/a.ts", "repo-format/storage/b.ts"),
  "engine-level-4": arrow("repo-format/archiver/a.ts", "repo-format/pack/b.ts"),
  "engine-level-4-maintenance": arrow("repo-format/maintenance/a.ts", "repo-format/inspect/b.ts"),
  "codecs-do-no-io": { "repo-format/errors.ts": imports("node:worker_threads") },
  "network-belongs-to-storage": { "repo-format/repository/a.ts": imports("node:https") },
  "files-have-three-owners": { "repo-format/archiver/a.ts": imports("node:fs/promises") },
  "threads-belong-to-workers": { "repo-format/archiver/a.ts": imports("node:worker_threads") },
  "one-owner-per-package-kubernetes-client-node": { "src/server/a.ts": imports("@kubernetes/client-node") },
  "one-owner-per-package-ws": { "src/server/a.ts": imports("ws") },
  "one-owner-per-package-aws-sdk": { "repo-format/storage/a.ts": imports("@aws-sdk/client-s3") },
  "one-owner-per-package-smithy": { "repo-format/storage/a.ts": imports("@smithy/node-http-handler") },
  "one-owner-per-package-koffi": { "repo-format/file-tree/walk.ts": imports("koffi") },
  "one-owner-per-package-sodium-native": { "repo-format/crypto/seal.ts": imports("sodium-native") },
  "one-owner-per-package-noble": { "repo-format/format/id.ts": imports("@noble/ciphers/aes.js") },
  "one-owner-per-package-zstd-napi": { "repo-format/pack/a.ts": imports("zstd-napi") },
  "one-owner-per-package-fastcdc-wasm": { "repo-format/archiver/a.ts": imports("fastcdc-wasm") },
  "one-owner-per-package-croner": { "src/server/a.ts": imports("croner") },
  "one-owner-per-package-pino": { "src/server/a.ts": imports("pino") },
  "one-owner-per-package-yaml": { "src/server/a.ts": imports("yaml") },
  "one-owner-per-package-rfc6902": { "src/server/a.ts": imports("rfc6902") },
  "one-owner-per-package-tar-stream": { "src/server/a.ts": imports("tar-stream") },
  "one-owner-per-package-prom-client": { "src/server/a.ts": imports("prom-client") },
};
