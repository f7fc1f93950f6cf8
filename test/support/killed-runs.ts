// Our command line, killed with SIGKILL in the middle of its work, again and again; restic judges what is left. Used by a
// short test of every run and by a long one.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { archive } from "../../repo-format/archiver/archive.ts";
import { LocalDirectoryStorage } from "../../repo-format/storage/local-directory.ts";
import { backupDefaults } from "./archive-fixture.ts";
import { compareTrees } from "./compare-trees.ts";
import { createTestRepository, reopen, testPassword } from "./memory-repository.ts";
import { startProcess } from "./processes.ts";
import { resticMust } from "./restic.ts";
import { type SeededRandom, seededRandom } from "./seeded-random.ts";
import { repositoryEnvironment, stowageMust, stowageWords } from "./stowage-cli.ts";
import { removeDirectory, temporaryDirectory } from "./temporary-directory.ts";

export interface KillOptions {
  /** How often a run is killed. */
  readonly kills: number;
  /** Of the source tree. */
  readonly mebibytes: number;
  readonly seed: number | string;
}

/** What stands on the disk while a run works. */
interface Sight {
  readonly packs: number;
  readonly indexes: number;
  readonly locks: number;
  readonly snapshots: number;
  /** Entries of the target of a restore. */
  readonly restored: number;
  readonly elapsedMs: number;
}

interface Moment {
  readonly name: string;
  readonly hasCome: (now: Sight, before: Sight) => boolean;
}

const mebibyte = 1024 * 1024;

/** Kills backups; each time the repository is sound, the next run completes, and nothing that was indexed is stored twice. */
export async function killBackups(t: TestContext, options: KillOptions): Promise<void> {
  const folder = temporaryDirectory(t, "killed");
  const random = seededRandom(options.seed);
  const source = join(folder, "source");
  writeSource(source, options, random);
  const moments = [
    appearing("the lock", "locks"),
    appearing("a pack", "packs"),
    appearing("the fourth pack", "packs", 4),
    appearing("the index", "indexes"),
    appearing("the snapshot", "snapshots"),
  ];
  for (let kill = 0; kill < options.kills; kill++) {
    const moment = kill < moments.length ? (moments[kill] as Moment) : after(random.integer(150, 2500));
    const repository = join(folder, `repository ${kill}`);
    await createTestRepository({ storage: new LocalDirectoryStorage(repository, { create: true }) });
    const wasKilled = await runUntil(moment, ["backup", "--no-scan", source], repository);
    t.diagnostic(`kill ${kill}, ${moment.name}: ${wasKilled ? "killed" : "had ended"}`);
    await assertSound(repository, moment.name);
    await stowageMust(["backup", source], { repository, password: testPassword });
    await assertSound(repository, moment.name);
    await assertNothingTwice(repository, moment.name);
    removeDirectory(repository);
  }
}

/** Kills restores; the next run completes each of them. */
export async function killRestores(t: TestContext, options: KillOptions): Promise<void> {
  const folder = temporaryDirectory(t, "killed");
  const random = seededRandom(options.seed);
  const source = join(folder, "source");
  const repository = join(folder, "repository");
  writeSource(source, options, random);
  const repo = await createTestRepository({ storage: new LocalDirectoryStorage(repository, { create: true }) });
  await archive(repo, backupDefaults(source));
  for (let kill = 0; kill < options.kills; kill++) {
    const target = join(folder, `target ${kill}`);
    const moment =
      kill % 2 === 0 ? appearing("files", "restored", random.integer(1, 300)) : after(random.integer(300, 1500));
    const args = ["restore", "latest", "--target", target];
    const wasKilled = await runUntil(moment, args, repository, target);
    t.diagnostic(`kill ${kill}, ${moment.name}: ${wasKilled ? "killed" : "had ended"}`);
    await stowageMust(args, { repository, password: testPassword });
    assert.deepEqual(compareTrees(source, target, { root: false }), [], moment.name);
    removeDirectory(target);
  }
  await resticMust(["unlock"], { repository, password: testPassword });
  await assertSound(repository, "restores");
}

/** Kills prunes; all snapshots stay whole, and the next prune completes. */
export async function killPrunes(t: TestContext, options: KillOptions): Promise<void> {
  const folder = temporaryDirectory(t, "killed");
  const random = seededRandom(options.seed);
  const base = join(folder, "base");
  await writeHistory(base, join(folder, "source"), options, random);
  const moments = [
    appearing("the lock", "locks"),
    appearing("a new pack", "packs"),
    appearing("a new index file", "indexes"),
    vanishing("an index file", "indexes"),
    vanishing("a pack", "packs"),
  ];
  for (let kill = 0; kill < options.kills; kill++) {
    const moment = kill < moments.length ? (moments[kill] as Moment) : after(random.integer(250, 1200));
    const repository = join(folder, `repository ${kill}`);
    // Stored files never change, so names for the same files are as good as copies.
    assert.equal(spawnSync("cp", ["-al", base, repository]).status, 0);
    const args = ["prune", "--max-unused", "0"];
    const wasKilled = await runUntil(moment, args, repository);
    t.diagnostic(`kill ${kill}, ${moment.name}: ${wasKilled ? "killed" : "had ended"}`);
    await assertSound(repository, moment.name);
    await stowageMust(args, { repository, password: testPassword });
    await assertSound(repository, moment.name);
    removeDirectory(repository);
  }
}

/** Two thirds in files of 100 KB, so that there are many, the rest in files of 8 MB and more. */
function writeSource(source: string, { mebibytes }: KillOptions, random: SeededRandom): void {
  mkdirSync(source);
  const smallFiles = Math.ceil((mebibytes * mebibyte * 2) / 3 / 100_000);
  for (let file = 0; file < smallFiles; file++) {
    const directory = join(source, `directory ${Math.floor(file / 50)}`);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, `file ${file}`), random.bytes(100_000));
  }
  for (let bytes = 0, file = 0; bytes < (mebibytes * mebibyte) / 3; bytes += 9_000_000, file++) {
    writeFileSync(join(source, `big ${file}`), random.bytes(9_000_000));
  }
}

/** Three backups of a source of which half changes each time; the first is forgotten. */
async function writeHistory(path: string, source: string, options: KillOptions, random: SeededRandom): Promise<void> {
  const storage = new LocalDirectoryStorage(path, { create: true });
  const repo = await createTestRepository({ storage, packSizeBytes: 4 * mebibyte });
  writeSource(source, options, random);
  const first = await archive(repo, backupDefaults(source));
  for (const part of [0, 1]) {
    const directories = readdirSync(source).filter((name) => name.startsWith("directory"));
    for (const [number, name] of directories.entries()) {
      if (number % 2 !== part) continue;
      for (const file of readdirSync(join(source, name)).slice(0, 25)) {
        writeFileSync(join(source, name, file), random.bytes(100_000));
      }
    }
    await archive(repo, backupDefaults(source));
  }
  if (first.snapshotId !== undefined) await repo.remove("snapshot", first.snapshotId);
}

function appearing(what: string, kind: keyof Sight, count = 1): Moment {
  return { name: `when ${what} appears`, hasCome: (now, before) => now[kind] >= before[kind] + count };
}

function vanishing(what: string, kind: keyof Sight): Moment {
  let most = 0;
  return {
    name: `when ${what} vanishes`,
    hasCome: (now) => {
      most = Math.max(most, now[kind]);
      return now[kind] < most;
    },
  };
}

function after(ms: number): Moment {
  return { name: `after ${ms} ms`, hasCome: ({ elapsedMs }) => elapsedMs >= ms };
}

/** @returns false when the run came to its end before the moment. */
async function runUntil(moment: Moment, args: string[], repository: string, target?: string): Promise<boolean> {
  const startMs = performance.now();
  const look = (): Sight => sightOf(repository, target, performance.now() - startMs);
  const before = look();
  const run = await startProcess(process.execPath, {
    args: stowageWords(args),
    env: { STOWAGE_RETRY_LOCK: "0", ...repositoryEnvironment({ repository, password: testPassword }) },
  });
  while (!run.hasEnded() && !moment.hasCome(look(), before)) await sleep(2);
  const wasKilled = !run.hasEnded();
  run.signal("SIGKILL");
  const { code } = await run.ended;
  assert.ok(wasKilled || code === 0, run.output());
  return wasKilled;
}

function sightOf(repository: string, target: string | undefined, elapsedMs: number): Sight {
  const count = (folder: string): number =>
    readdirSync(join(repository, folder), { recursive: true, encoding: "utf8" }).filter((name) =>
      /[0-9a-f]{64}$/.test(name),
    ).length;
  return {
    packs: count("data"),
    indexes: count("index"),
    locks: count("locks"),
    snapshots: count("snapshots"),
    restored: target !== undefined && existsSync(target) ? readdirSync(target, { recursive: true }).length : 0,
    elapsedMs,
  };
}

/** As a user would find out: locks of dead processes removed, then every stored byte read. */
async function assertSound(repository: string, moment: string): Promise<void> {
  await resticMust(["unlock"], { repository, password: testPassword });
  const { stdout } = await resticMust(["check", "--read-data"], { repository, password: testPassword });
  assert.match(stdout, /no errors were found/, moment);
}

async function assertNothingTwice(repository: string, moment: string): Promise<void> {
  const repo = await reopen(new LocalDirectoryStorage(repository));
  await repo.refreshIndex();
  for (const blob of repo.index.blobs()) assert.equal(repo.index.lookup(blob).length, 1, `${moment}: ${blob.id}`);
}
