// The suite on the stores that need no server, and on every wrapper.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InMemoryStorage } from "../../repo-format/storage/in-memory.ts";
import { LocalDirectoryStorage } from "../../repo-format/storage/local-directory.ts";
import { openStorage } from "../../repo-format/storage/location.ts";
import type { ObjectStorage } from "../../repo-format/storage/object-storage.ts";
import { newStorageMeter } from "../../repo-format/storage/storage-meter.ts";
import { withBandwidthLimit } from "../../repo-format/storage/with-bandwidth-limit.ts";
import { withCache } from "../../repo-format/storage/with-cache.ts";
import { withConnectionLimit } from "../../repo-format/storage/with-connection-limit.ts";
import { withMeter } from "../../repo-format/storage/with-meter.ts";
import { withRetry } from "../../repo-format/storage/with-retry.ts";
import { FaultyStorage } from "../support/faulty-storage.ts";
import type { StorageUnderTest } from "./object-storage-suite.ts";
import { describeObjectStorage } from "./object-storage-suite.ts";

describeObjectStorage("InMemoryStorage", () => inMemory(new InMemoryStorage()));
describeObjectStorage("LocalDirectoryStorage", () => inDirectory((path) => new LocalDirectoryStorage(path)));
describeObjectStorage("LocalDirectoryStorage that is made by its first put", () =>
  inDirectory((path) => new LocalDirectoryStorage(join(path, "new", "repo"), { create: true })),
);
describeObjectStorage("withRetry", () => inMemory(withRetry(new InMemoryStorage())));
describeObjectStorage("withConnectionLimit", () => inMemory(withConnectionLimit(new InMemoryStorage(), 1)));
describeObjectStorage("withMeter", () => inMemory(withMeter(new InMemoryStorage(), newStorageMeter())));
describeObjectStorage("withBandwidthLimit", () => {
  const limits = { uploadBytesPerSecond: 2 ** 30, downloadBytesPerSecond: 2 ** 30 };
  return inMemory(withBandwidthLimit(new InMemoryStorage(), limits));
});
describeObjectStorage("withCache", () =>
  inDirectory((directory) => withCache(new InMemoryStorage(), { directory, clock: () => Date.now() })),
);
describeObjectStorage("withCache that has no place", () =>
  inMemory(withCache(new InMemoryStorage(), { directory: "/proc/no/place", clock: () => Date.now() })),
);
describeObjectStorage("FaultyStorage without faults", () => inMemory(new FaultyStorage(new InMemoryStorage())));
describeObjectStorage("openStorage on a directory, all wrappers together", () =>
  inDirectory((path) => openStorage(path, { create: true, meter: newStorageMeter() })),
);

async function inMemory(storage: ObjectStorage): Promise<StorageUnderTest> {
  return { storage, dispose: () => Promise.resolve() };
}

async function inDirectory(open: (path: string) => ObjectStorage | Promise<ObjectStorage>): Promise<StorageUnderTest> {
  const path = await mkdtemp(join(tmpdir(), "stowage-storage-"));
  return { storage: await open(path), dispose: () => rm(path, { recursive: true, force: true }) };
}
