// Locks between real processes: a holder that restic asks for with SIGHUP, that is killed, and that another one waits for.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { hostname } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { removeStaleLocks, withLock } from "../../repo-format/repository/lock.ts";
import { initRepository, type Repository } from "../../repo-format/repository/repository.ts";
import { LocalDirectoryStorage } from "../../repo-format/storage/local-directory.ts";
import { cheapKdf, collect, testIdentity, testPassword } from "../support/memory-repository.ts";
import { restic, resticMust } from "../support/restic.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const engine = new URL("../../repo-format/", import.meta.url).href;

async function createRepository(t: TestContext): Promise<{ path: string; repo: Repository }> {
  const path = join(temporaryDirectory(t, "lock"), "repo");
  const identity = { ...testIdentity, hostname: hostname() };
  const storage = new LocalDirectoryStorage(path);
  return { path, repo: await initRepository({ storage, password: testPassword, identity, kdf: cheapKdf }) };
}

/** A process that takes a lock, says "held", and gives it back when it is told anything. */
async function spawnHolder(t: TestContext, path: string, exclusive: boolean): Promise<ChildProcess> {
  const code = `
    import { hostname } from "node:os";
    import { once } from "node:events";
    const { openRepository } = await import("${engine}repository/repository.ts");
    const { withLock } = await import("${engine}repository/lock.ts");
    const { LocalDirectoryStorage } = await import("${engine}storage/local-directory.ts");
    process.on("SIGHUP", () => undefined);
    const identity = { hostname: hostname(), username: "holder", pid: process.pid, uid: 0, gid: 0 };
    const storage = new LocalDirectoryStorage(${JSON.stringify(path)});
    const repo = await openRepository({ storage, password: ${JSON.stringify(testPassword)}, identity });
    await withLock(repo, { exclusive: ${exclusive} }, async () => {
      process.stdout.write("held");
      await once(process.stdin, "data");
    });
    process.exit(0);
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
  });
  await once(child.stdout, "data");
  return child;
}

async function countLocks(repo: Repository): Promise<number> {
  return (await collect(repo.list("lock"))).length;
}

test("restic's unlock leaves the lock of a living process, which survives being asked, and removes it once it is killed", async (t) => {
  const { path, repo } = await createRepository(t);
  const holder = await spawnHolder(t, path, true);
  await resticMust(["unlock"], { repository: path, password: testPassword });
  assert.equal(await countLocks(repo), 1);
  assert.equal((await restic(["snapshots"], { repository: path, password: testPassword })).code, 11);
  assert.equal(holder.exitCode, null);
  holder.kill("SIGKILL");
  await once(holder, "exit");
  assert.equal(await countLocks(repo), 1);
  await resticMust(["unlock"], { repository: path, password: testPassword });
  assert.equal(await countLocks(repo), 0);
});

test("our unlock leaves the lock of a living process and removes that of a killed one", async (t) => {
  const { path, repo } = await createRepository(t);
  const holder = await spawnHolder(t, path, false);
  assert.equal(await removeStaleLocks(repo), 0);
  holder.kill("SIGKILL");
  await once(holder, "exit");
  assert.equal(await removeStaleLocks(repo), 1);
  assert.equal(await countLocks(repo), 0);
});

test("a process waits for another one's exclusive lock and goes on when it is given back", async (t) => {
  const { path, repo } = await createRepository(t);
  const holder = await spawnHolder(t, path, true);
  const holders: string[] = [];
  const onWait = (description: string): void => {
    holders.push(description);
    holder.stdin?.write("enough");
  };
  const timings = { firstWaitMs: 50, longestWaitMs: 100 };
  const result = await withLock(repo, { exclusive: false, onWait, timings }, async () => "taken");
  assert.equal(result, "taken");
  assert.match(holders[0] ?? "", new RegExp(`exclusively by process ${holder.pid} of holder`));
  assert.equal(await countLocks(repo), 0);
});
