// What every ObjectStorage has to do, as its interface says. Each implementation and each wrapper runs all of it.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type ErrorCode, RepositoryError } from "../../repo-format/errors.ts";
import type { ObjectBody, ObjectStorage } from "../../repo-format/storage/object-storage.ts";
import { makeTemporaryDirectory, removeDirectory } from "../support/temporary-directory.ts";

export interface StorageUnderTest {
  readonly storage: ObjectStorage;
  /** Removes what the storage has left behind. */
  readonly dispose: () => Promise<void>;
  /** How many objects are put for one long listing; more than one page (1,000) where the store has pages. */
  readonly listedObjects?: number;
}

const mebibyte = 1 << 20;

export function describeObjectStorage(name: string, open: () => Promise<StorageUnderTest>): void {
  describe(name, () => {
    let underTest: StorageUnderTest;
    const storage = (): ObjectStorage => underTest.storage;
    before(async () => {
      underTest = await open();
      await storage().prepare();
    });
    after(async () => {
      await storage().close();
      await underTest.dispose();
    });
    describeBytes(storage);
    describeFiles(storage);
    describeRanges(storage);
    describeKeys(storage);
    describeListings(storage, () => underTest.listedObjects ?? 60);
    describeRaces(storage);
    describeCancellation(storage);
  });
}

function describeBytes(storage: () => ObjectStorage): void {
  it("get gives back the bytes that put was given", async () => {
    const body = randomBytes(100_000);
    await storage().put("bytes/one", body);
    assert.deepEqual(await storage().get("bytes/one"), body);
  });

  it("put joins the buffers of a list, empty ones too", async () => {
    const parts = [Buffer.from("ab"), Buffer.alloc(0), randomBytes(300_000), Buffer.alloc(0), Buffer.from("c")];
    await storage().put("bytes/parts", parts, { sha256: sha256(parts) });
    assert.deepEqual(await storage().get("bytes/parts"), Buffer.concat(parts));
  });

  it("an empty body is an object of no bytes", async () => {
    await storage().put("bytes/empty", Buffer.alloc(0));
    await storage().put("bytes/empty-list", []);
    for (const key of ["bytes/empty", "bytes/empty-list"]) {
      assert.equal((await storage().get(key)).length, 0);
      assert.deepEqual(await storage().stat(key), { key, sizeBytes: 0 });
      assert.equal((await storage().getRange(key, -10, 10)).length, 0);
    }
  });

  it("20 MiB in pieces of any size come back whole", async () => {
    const parts = [20, 1, 4 * mebibyte, 3, 9 * mebibyte, 7 * mebibyte].map((size) => randomBytes(size));
    await storage().put("data/aa/large", parts, { sha256: sha256(parts) });
    const stored = await storage().get("data/aa/large");
    assert.equal(sha256(stored), sha256(parts));
    assert.equal((await storage().stat("data/aa/large")).sizeBytes, stored.length);
  });

  it("put replaces what was there", async () => {
    await storage().put("bytes/replaced", randomBytes(5000));
    await storage().put("bytes/replaced", Buffer.from("new"));
    assert.equal((await storage().get("bytes/replaced")).toString(), "new");
  });

  it("the stored bytes do not change with the buffer that they came in", async () => {
    const body = Buffer.from("before");
    await storage().put("bytes/kept", body);
    body.write("after!");
    const first = await storage().get("bytes/kept");
    first.fill(0);
    assert.equal((await storage().get("bytes/kept")).toString(), "before");
  });

  it("buffers that are given out own their memory, so that they can be transferred", async () => {
    await storage().put("bytes/owned", Buffer.from("0123456789"));
    for (const bytes of [
      await storage().get("bytes/owned"),
      await storage().getRange("bytes/owned", 2, 3),
      await storage().getRange("bytes/owned", -5, 5),
      await storage().getRange("bytes/owned", -5, 2),
    ]) {
      assert.equal(bytes.buffer.byteLength, bytes.length);
    }
  });

  it("a range for which memory is given lies at its beginning, or elsewhere, and is right", async () => {
    const body = randomBytes(3 * mebibyte);
    await storage().put("bytes/received", body);
    const into = new Uint8Array(2 * mebibyte);
    for (const [offset, length] of [
      [0, 10],
      [5, 2 * mebibyte],
      [mebibyte, 2 * mebibyte],
      [3 * mebibyte - 1, 1],
    ] as const) {
      const bytes = await storage().getRange("bytes/received", offset, length, { into });
      assert.deepEqual(bytes, body.subarray(offset, offset + length));
      assert.ok(bytes.buffer === into.buffer ? bytes.byteOffset === 0 : bytes.buffer.byteLength === length);
    }
    await assertCode("object-missing", () => storage().getRange("bytes/none", 0, 10, { into }));
    await assertCode("range-invalid", () => storage().getRange("bytes/received", 3 * mebibyte - 5, 10, { into }));
  });

  it("an object above the limit is refused, one at the limit is not, and both are good afterwards", async () => {
    await storage().put("bytes/limited", randomBytes(3 * mebibyte));
    for (let round = 0; round < 3; round++) {
      await assertCode("object-too-large", () => storage().get("bytes/limited", { maxBytes: 3 * mebibyte - 1 }));
      assert.equal((await storage().get("bytes/limited", { maxBytes: 3 * mebibyte })).length, 3 * mebibyte);
    }
  });

  it("an object that does not exist is object-missing, for every way of reading it", async () => {
    await assertCode("object-missing", () => storage().get("bytes/none"));
    await assertCode("object-missing", () => storage().getRange("bytes/none", 0, 1));
    await assertCode("object-missing", () => storage().getRange("bytes/none", -1, 1));
    await assertCode("object-missing", () => storage().stat("bytes/none"));
  });

  it("a deleted object is gone, and deleting it again is success", async () => {
    await storage().put("bytes/gone", Buffer.from("x"));
    await storage().delete("bytes/gone");
    await storage().delete("bytes/gone");
    await assertCode("object-missing", () => storage().get("bytes/gone"));
  });

  it("prepare may be called again and changes nothing", async () => {
    await storage().put("config", Buffer.from("kept"));
    await storage().prepare();
    assert.equal((await storage().get("config")).toString(), "kept");
  });
}

function describeFiles(storage: () => ObjectStorage): void {
  let folder: string;
  const write = (name: string, bytes: Uint8Array): string => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };
  before(() => {
    folder = makeTemporaryDirectory("files");
  });
  after(() => removeDirectory(folder));

  it("putFile stores the bytes of a file of any size, and says how many there are", async () => {
    for (const size of [0, 5, mebibyte, 7 * mebibyte + 3]) {
      const bytes = randomBytes(size);
      assert.equal(await storage().putFile("files/one", write("one", bytes)), size);
      assert.ok((await storage().get("files/one")).equals(bytes), `${size} bytes`);
    }
    assert.deepEqual(await storage().stat("files/one"), { key: "files/one", sizeBytes: 7 * mebibyte + 3 });
    await storage().put("files/one", Buffer.from("and is replaced like any other"));
    assert.equal((await storage().get("files/one")).toString(), "and is replaced like any other");
  });

  it("putFile of what cannot be read is source-unreadable and stores nothing", async () => {
    for (const path of [join(folder, "none"), folder, "/dev/null"]) {
      await assertCode("source-unreadable", () => storage().putFile("files/unread", path), path);
    }
    await assertCode("object-missing", () => storage().get("files/unread"));
    await assertCode("argument-invalid", () => storage().putFile("../x", write("two", Buffer.from("x"))));
  });

  it("putFile that is cancelled leaves nothing or everything, and later works again", async () => {
    const bytes = randomBytes(12 * mebibyte);
    const path = write("three", bytes);
    await assertCode("cancelled", () => storage().putFile("files/three", path, { signal: AbortSignal.abort() }));
    await assertCode("object-missing", () => storage().get("files/three"));
    const controller = new AbortController();
    const put = storage().putFile("files/three", path, { signal: controller.signal });
    setImmediate(() => controller.abort());
    // A store that is done before the signal fires is right, too.
    await put.catch((error: unknown) => assert.ok(RepositoryError.is(error, "cancelled"), String(error)));
    const left = await storage()
      .get("files/three")
      .catch((error: unknown) => RepositoryError.is(error, "object-missing") && undefined);
    assert.ok(left === undefined || (Buffer.isBuffer(left) && left.equals(bytes)));
    await storage().putFile("files/three", path);
    assert.ok((await storage().get("files/three")).equals(bytes));
  });
}

function describeRanges(storage: () => ObjectStorage): void {
  const body = Buffer.from("0123456789");
  const read = async (offset: number, length: number): Promise<string> =>
    (await storage().getRange("ranges/ten", offset, length)).toString();
  before(() => storage().put("ranges/ten", body));

  it("a range is exact at both ends and inside", async () => {
    assert.equal(await read(0, 10), "0123456789");
    assert.equal(await read(0, 1), "0");
    assert.equal(await read(9, 1), "9");
    assert.equal(await read(3, 4), "3456");
    assert.equal(await read(5, 0), "");
  });

  it("a range from the end gives what there is", async () => {
    assert.equal(await read(-3, 3), "789");
    assert.equal(await read(-10, 10), "0123456789");
    assert.equal(await read(-100, 100), "0123456789");
    assert.equal(await read(-4, 2), "67");
  });

  it("a range that the object does not hold is range-invalid", async () => {
    await assertCode("range-invalid", () => read(9, 2));
    await assertCode("range-invalid", () => read(10, 1));
    await assertCode("range-invalid", () => read(1000, 1));
  });

  it("a range that is no range is argument-invalid", async () => {
    await assertCode("argument-invalid", () => read(0, -1));
    await assertCode("argument-invalid", () => read(0.5, 1));
    await assertCode("argument-invalid", () => read(0, Number.NaN));
  });
}

function describeKeys(storage: () => ObjectStorage): void {
  const hostile = [
    "",
    "/",
    "/etc/passwd",
    "../x",
    "a/../../x",
    "a/./b",
    "a//b",
    "a/",
    ".",
    "..",
    "a\0b",
    "a/\ud800",
    "k".repeat(1025),
  ];

  it("keys that could lead elsewhere are refused by every method", async () => {
    for (const key of hostile) {
      const what = JSON.stringify(key).slice(0, 40);
      await assertCode("argument-invalid", () => storage().put(key, Buffer.from("x")), what);
      await assertCode("argument-invalid", () => storage().get(key), what);
      await assertCode("argument-invalid", () => storage().getRange(key, 0, 1), what);
      await assertCode("argument-invalid", () => storage().stat(key), what);
      await assertCode("argument-invalid", () => storage().delete(key), what);
    }
    for (const prefix of ["/", "../", "a", "a/../", "a//"]) {
      await assertCode("argument-invalid", () => collectKeys(storage(), prefix), prefix);
      await assertCode("argument-invalid", () => storage().listFolders(prefix), prefix);
    }
  });

  it("keys with unusual characters are kept as they are", async () => {
    const names = [
      "a b",
      "a+b",
      "x%41y",
      "a&b<c>",
      'quo"te',

      "tab\tx",
      "q?x=1#y",
      "end.",
      "ü/ä",
      "\u{1f600}",
      "a\\b",
    ];
    for (const name of names) await storage().put(`odd/${name}`, Buffer.from(name));
    for (const name of names) assert.equal((await storage().get(`odd/${name}`)).toString(), name);
    assert.deepEqual((await collectKeys(storage(), "odd/")).sort(), names.map((name) => `odd/${name}`).sort());
  });
}

function describeListings(storage: () => ObjectStorage, listedObjects: () => number): void {
  const keys = ["list/a", "list/b-1", "list/b/1", "list/b/2/x", "list/b0", "list/c/1"];
  before(async () => {
    for (const key of keys) await storage().put(key, Buffer.from(key));
    await storage().put("listing/other", Buffer.from("x"));
  });

  it("list gives every key below the prefix with its size, in the order of its bytes", async () => {
    const found = await collect(storage().list("list/"));
    assert.deepEqual(
      found,
      keys.map((key) => ({ key, sizeBytes: key.length })),
    );
    assert.deepEqual(await collectKeys(storage(), "list/b/"), ["list/b/1", "list/b/2/x"]);
  });

  it("list with the empty prefix gives everything", async () => {
    const found = await collectKeys(storage(), "");
    for (const key of [...keys, "listing/other"]) assert.ok(found.includes(key), key);
  });

  it("list begins after the key that is named, whether or not it exists", async () => {
    for (const [index, startAfter] of keys.entries()) {
      assert.deepEqual(await collectKeys(storage(), "list/", startAfter), keys.slice(index + 1), startAfter);
    }
    assert.deepEqual(await collectKeys(storage(), "list/", "list/b/"), keys.slice(2));
    assert.deepEqual(await collectKeys(storage(), "list/", "list/b/2"), keys.slice(3));
    assert.deepEqual(await collectKeys(storage(), "list/", "list/zzz"), []);
  });

  it("an absent prefix lists nothing", async () => {
    assert.deepEqual(await collectKeys(storage(), "list/none/"), []);
    assert.deepEqual(await collectKeys(storage(), "list/a/"), []);
    assert.deepEqual(await storage().listFolders("list/none/"), []);
  });

  it("listFolders names what lies one level below, once each", async () => {
    assert.deepEqual((await storage().listFolders("list/")).sort(), ["b", "c"]);
    assert.ok((await storage().listFolders("")).includes("list"));
  });

  it("folders that are empty may be removed, and nothing that is not", async () => {
    await storage().put("folders/a/deep/x", Buffer.from("x"));
    await storage().put("folders/b/y", Buffer.from("y"));
    await storage().delete("folders/a/deep/x");
    await storage().removeEmptyFolders?.("folders/");
    await storage().removeEmptyFolders?.("folders/none/");
    assert.deepEqual(await storage().listFolders("folders/"), ["b"]);
    assert.equal((await storage().get("folders/b/y")).toString(), "y");
    await storage().delete("folders/b/y");
    await storage().removeEmptyFolders?.("folders/");
    assert.ok(!(await storage().listFolders("")).includes("folders"));
    await storage().put("folders/b/y", Buffer.from("again"));
  });

  it("a deleted object is not listed", async () => {
    await storage().put("list-after/x", Buffer.from("x"));
    await storage().put("list-after/y", Buffer.from("y"));
    await storage().delete("list-after/x");
    assert.deepEqual(await collectKeys(storage(), "list-after/"), ["list-after/y"]);
  });

  it("a long listing is complete", async () => {
    const many = Array.from({ length: listedObjects() }, (_, number) => `many/${String(number).padStart(5, "0")}`);
    await inParallel(many, 16, (key) => storage().put(key, Buffer.from("x")));
    assert.deepEqual(await collectKeys(storage(), "many/"), many);
    assert.deepEqual(await collectKeys(storage(), "many/", many[49]), many.slice(50));
  });

  it("a listing may be left before its end", async () => {
    for await (const { key } of storage().list("list/")) {
      assert.equal(key, keys[0]);
      break;
    }
  });
}

function describeRaces(storage: () => ObjectStorage): void {
  it("of many that put a key if it is absent, one wins and its bytes are there", async () => {
    const bodies = Array.from({ length: 8 }, (_, number) => Buffer.from(`writer ${number}`));
    const results = await Promise.allSettled(bodies.map((body) => storage().put("race/one", body, { ifAbsent: true })));
    const winners = results.flatMap((result, number) => (result.status === "fulfilled" ? [number] : []));
    assert.equal(winners.length, 1);
    for (const result of results) {
      if (result.status === "rejected") assert.equal((result.reason as RepositoryError).code, "object-exists");
    }
    assert.equal((await storage().get("race/one")).toString(), `writer ${winners[0]}`);
    await assertCode("object-exists", () => storage().put("race/one", Buffer.from("late"), { ifAbsent: true }));
  });

  it("parallel puts of one key leave one of the bodies, whole", async () => {
    const bodies = Array.from({ length: 6 }, (_, number) => Buffer.alloc(mebibyte, number));
    await Promise.all(bodies.map((body) => storage().put("data/bb/same", body, { sha256: sha256(body) })));
    const stored = await storage().get("data/bb/same");
    assert.ok(bodies.some((body) => body.equals(stored)));
  });

  it("a reader sees an object whole or not at all while it is replaced", async () => {
    const bodies = [Buffer.alloc(mebibyte, 1), Buffer.alloc(mebibyte, 2)] as const;
    await storage().put("race/replaced", bodies[0]);
    const writes = Promise.all([1, 0, 1, 0].map((number) => storage().put("race/replaced", bodies[number] as Buffer)));
    for (let reads = 0; reads < 4; reads += 1) {
      const seen = await storage().get("race/replaced");
      assert.ok(bodies.some((body) => body.equals(seen)));
    }
    await writes;
  });
}

function describeCancellation(storage: () => ObjectStorage): void {
  it("nothing is begun with a signal that has fired", async () => {
    const signal = AbortSignal.abort();
    await storage().put("cancel/there", Buffer.from("x"));
    await assertCode("cancelled", () => storage().put("cancel/new", Buffer.from("x"), { signal }));
    await assertCode("cancelled", () => storage().get("cancel/there", { signal }));
    await assertCode("cancelled", () => storage().getRange("cancel/there", 0, 1, { signal }));
    await assertCode("cancelled", () => storage().stat("cancel/there", { signal }));
    await assertCode("cancelled", () => storage().delete("cancel/there", { signal }));
    await assertCode("cancelled", () => storage().listFolders("", { signal }));
    await assertCode("cancelled", () => collect(storage().list("", { signal })));
    assert.deepEqual(await collectKeys(storage(), "cancel/"), ["cancel/there"]);
  });

  it("a put that is cancelled on its way leaves nothing or everything", async () => {
    const parts = Array.from({ length: 20 }, () => randomBytes(mebibyte));
    const controller = new AbortController();
    const put = storage().put("data/cc/cancelled", parts, { sha256: sha256(parts), signal: controller.signal });
    setImmediate(() => controller.abort());
    // A store that is done before the signal fires is right, too.
    await put.catch((error: unknown) => assert.ok(RepositoryError.is(error, "cancelled"), String(error)));
    const left = await storage()
      .get("data/cc/cancelled")
      .catch((error: unknown) => RepositoryError.is(error, "object-missing") && undefined);
    assert.ok(left === undefined || (Buffer.isBuffer(left) && left.equals(Buffer.concat(parts))));
  });

  it("a listing ends when it is cancelled between two keys", async () => {
    const controller = new AbortController();
    await storage().put("cancel-list/1", Buffer.from("x"));
    await storage().put("cancel-list/2", Buffer.from("x"));
    await assertCode("cancelled", async () => {
      for await (const _ of storage().list("cancel-list/", { signal: controller.signal })) controller.abort();
    });
  });
}

/** @param what names the case in the message of a failed assertion. */
export async function assertCode(
  code: ErrorCode,
  call: () => Promise<unknown>,
  what: string = "",
): Promise<RepositoryError> {
  try {
    await call();
  } catch (error) {
    if (!RepositoryError.is(error)) throw error;
    assert.equal(error.code, code, `${what} ${error.message}`);
    return error;
  }
  return assert.fail(`${what} should have failed with ${code}`);
}

export function sha256(body: ObjectBody): string {
  const hash = createHash("sha256");
  for (const part of body instanceof Uint8Array ? [body] : body) hash.update(part);
  return hash.digest("hex");
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function collectKeys(storage: ObjectStorage, prefix: string, startAfter?: string): Promise<string[]> {
  return (await collect(storage.list(prefix, { startAfter }))).map(({ key }) => key);
}

async function inParallel<T>(items: readonly T[], limit: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: limit }, worker));
}
