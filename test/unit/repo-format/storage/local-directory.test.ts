// What is particular to the directory: modes, names on disk, durability. The contract itself is the conformance suite's.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { describe, it } from "node:test";
import { packFolders } from "../../../../repo-format/storage/key-layout.ts";
import { LocalDirectoryStorage } from "../../../../repo-format/storage/local-directory.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

const x = Buffer.from("x");
const modulePath = join(import.meta.dirname, "../../../../repo-format/storage/local-directory.ts");

async function prepared(t: TestContext): Promise<{ root: string; storage: LocalDirectoryStorage }> {
  const root = join(temporaryDirectory(t), "repo");
  const storage = new LocalDirectoryStorage(root);
  await storage.prepare();
  return { root, storage };
}

function mode(path: string): number {
  return statSync(path).mode & 0o777;
}

async function keysOf(storage: LocalDirectoryStorage): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of storage.list("")) keys.push(key);
  return keys;
}

describe("LocalDirectoryStorage", () => {
  it("prepare makes restic's folders, 256 for packs, for the owner alone", async (t) => {
    const { root } = await prepared(t);
    assert.deepEqual(readdirSync(root).sort(), ["data", "index", "keys", "locks", "snapshots"]);
    assert.deepEqual(readdirSync(join(root, "data")).sort(), packFolders);
    for (const folder of ["", "data", "data/00", "keys"]) assert.equal(mode(join(root, folder)), 0o700, folder);
  });

  it("a finished file is read-only and for the owner alone", async (t) => {
    const { root, storage } = await prepared(t);
    await storage.put("config", x);
    await storage.put("data/ab/x", x);
    assert.equal(mode(join(root, "config")), 0o400);
    assert.equal(mode(join(root, "data/ab/x")), 0o400);
  });

  it("a repository whose config its group may read is shared with the group", async (t) => {
    const { root, storage } = await prepared(t);
    await storage.put("config", x);
    chmodSync(join(root, "config"), 0o440);
    const shared = new LocalDirectoryStorage(root);
    await shared.put("index/x", x);
    await shared.put("new/x", x);
    assert.equal(mode(join(root, "index/x")), 0o440);
    assert.equal(mode(join(root, "new")), 0o770 & ~process.umask());
  });

  it("a put leaves no temporary file, whether it succeeds or not", async (t) => {
    const { root, storage } = await prepared(t);
    await storage.put("keys/x", x);
    await assert.rejects(storage.put("keys/x", x, { ifAbsent: true }), { code: "object-exists" });
    await assert.rejects(storage.put("keys/y", x, { signal: AbortSignal.abort() }), { code: "cancelled" });
    assert.deepEqual(readdirSync(join(root, "keys")), ["x"]);
  });

  it("temporary files of a crash, links and FIFOs are no objects", async (t) => {
    const { root, storage } = await prepared(t);
    await storage.put("keys/x", x);
    writeFileSync(join(root, "keys", "x-tmp-123456"), "half");
    symlinkSync("/etc/passwd", join(root, "keys", "link"));
    execFileSync("sh", ["-c", `mkfifo "$0"`, join(root, "keys", "fifo")]);
    assert.deepEqual(await keysOf(storage), ["keys/x"]);
    for (const key of ["keys/link", "keys/fifo", "keys"]) {
      await assert.rejects(storage.get(key), { code: "object-missing" }, key);
      await assert.rejects(storage.stat(key), { code: "object-missing" }, key);
    }
  });

  it("a missing directory is an error for put, not made behind the user's back", async (t) => {
    const root = join(temporaryDirectory(t), "not", "mounted");
    const storage = new LocalDirectoryStorage(root);
    await assert.rejects(storage.put("config", x), { code: "storage-misconfigured", message: new RegExp(root) });
    await assert.rejects(storage.get("config"), { code: "object-missing" });
    assert.deepEqual(await keysOf(storage), []);
  });

  it("a folder that somebody removed is made again", async (t) => {
    const { root, storage } = await prepared(t);
    execFileSync("rmdir", [join(root, "data", "ab")]);
    await storage.put("data/ab/x", x);
    assert.equal((await storage.get("data/ab/x")).toString(), "x");
  });

  it("a file in the place of the directory is storage-misconfigured", async (t) => {
    const path = join(temporaryDirectory(t), "file");
    writeFileSync(path, "");
    const storage = new LocalDirectoryStorage(path);
    await assert.rejects(storage.prepare(), { code: "storage-misconfigured" });
    await assert.rejects(storage.put("config", x), { code: "storage-misconfigured" });
  });

  it("a directory without rights is storage-denied", async (t) => {
    if (process.getuid?.() === 0) return t.skip("root may do everything");
    const { root, storage } = await prepared(t);
    chmodSync(join(root, "keys"), 0o500);
    await assert.rejects(storage.put("keys/x", x), { code: "storage-denied" });
    chmodSync(join(root, "keys"), 0o700);
  });

  it("a file that does not fit is storage-full and leaves nothing behind", async (t) => {
    const { root } = await prepared(t);
    // A limit on file sizes stands in for a full disk: the kernel writes what fits, then refuses.
    const script = `
      process.on("SIGXFSZ", () => undefined);
      const { LocalDirectoryStorage } = await import(${JSON.stringify(modulePath)});
      const parts = Array.from({ length: 20 }, () => Buffer.alloc(100_000));
      await new LocalDirectoryStorage(${JSON.stringify(root)}).put("data/ab/x", parts).catch((e) => console.log(e.code, e.details.errno));`;
    const shell = ["-c", 'ulimit -f 1000 && exec "$0" --input-type=module -e "$1"', process.execPath, script];
    assert.equal(execFileSync("sh", shell, { encoding: "utf8" }).trim(), "storage-full EFBIG");
    assert.deepEqual(readdirSync(join(root, "data", "ab")), []);
  });

  it("two connections are the default, and the location is the absolute path", () => {
    const storage = new LocalDirectoryStorage("relative");
    assert.equal(storage.connections, 2);
    assert.equal(storage.location, join(process.cwd(), "relative"));
    assert.equal(new LocalDirectoryStorage("x", { connections: 7 }).connections, 7);
  });

  it("lists a folder in the order of full keys, where a name and a longer one meet a folder", async (t) => {
    const { root, storage } = await prepared(t);
    mkdirSync(join(root, "o"));
    for (const key of ["o/a/1", "o/a-b", "o/a0", "o/a/2"]) await storage.put(key, x);
    assert.deepEqual(
      (await keysOf(storage)).filter((key) => key.startsWith("o/")),
      ["o/a-b", "o/a/1", "o/a/2", "o/a0"],
    );
  });
});
