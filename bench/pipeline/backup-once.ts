// One backup by the engine in a process of its own: `node bench/pipeline/backup-once.ts REPOSITORY DIRECTORY [THREADS]`.
// Without a directory the repository is made.
import { archive } from "../../repo-format/archiver/archive.ts";
import { withLock } from "../../repo-format/repository/lock.ts";
import { initRepository, openRepository } from "../../repo-format/repository/repository.ts";
import { LocalDirectoryStorage } from "../../repo-format/storage/local-directory.ts";

const [repositoryPath, source, threads] = process.argv.slice(2);
if (repositoryPath === undefined) throw new Error("usage: REPOSITORY [DIRECTORY [THREADS]]");

const storage = new LocalDirectoryStorage(repositoryPath, { create: true });
const identity = { hostname: "bench", username: "bench", pid: process.pid, uid: 0, gid: 0 };
const options = { storage, password: process.env.RESTIC_PASSWORD ?? "bench", identity };
const repo = await (source === undefined ? initRepository(options) : openRepository(options));
if (source !== undefined) await backUp(source);
await repo.close();

async function backUp(directory: string): Promise<void> {
  const start = performance.now();
  const { summary } = await withLock(repo, { exclusive: false }, (signal) =>
    archive(repo, {
      targets: [directory],
      hostname: "bench",
      programVersion: "bench",
      signal,
      ...(threads === undefined ? {} : { threads: Number(threads) }),
    }),
  );
  console.log(JSON.stringify({ seconds: (performance.now() - start) / 1000, summary }));
}
