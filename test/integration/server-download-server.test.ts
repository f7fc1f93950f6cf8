// The server that gives out files of directories: what an address is worth, and for how long.
import assert from "node:assert/strict";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { describe, it, type TestContext } from "node:test";
import type { BackupStorageLocation } from "../../src/api/backup-storage-location.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import type { LocationStore, StoredFile } from "../../src/server/location-store/location-store.ts";
import { DownloadServer } from "../../src/server/requests/download-server.ts";
import { ownCertificate } from "../../src/server/requests/server-certificate.ts";
import { FakeClock } from "../support/fake-clock.ts";

const location: BackupStorageLocation = {
  metadata: { name: "default" },
  spec: { provider: "local", objectStorage: { bucket: "b" } },
};
const file: StoredFile = { of: "backup", name: "b", file: "log" };

interface Opened {
  readonly server: DownloadServer;
  readonly clock: FakeClock;
  /** How many stores were closed. */
  readonly closed: () => number;
  readonly fetch: (path: string) => Promise<{ readonly status: number; readonly body: string }>;
  readonly port: number;
}

async function open(t: TestContext, read: () => Readable, exists = async () => true): Promise<Opened> {
  let closed = 0;
  const store = {
    exists,
    read,
    close: async () => {
      closed += 1;
    },
  } as unknown as LocationStore;
  const clock = new FakeClock();
  const certificate = ownCertificate(["127.0.0.1"], Date.now());
  const options = { openLocationStore: async () => store, certificate, clock, log: silentLogger };
  const server = new DownloadServer(options);
  const port = await server.listen({ host: "127.0.0.1", port: 0 });
  t.after(() => server.close());
  const fetch: Opened["fetch"] = async (path) => {
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
    const wish = { host: "127.0.0.1", port, path, ca: certificate.certificatePem, agent: false } as const;
    const request = httpsRequest(wish, (response) => {
      const status = response.statusCode ?? 0;
      buffer(response).then((body) => resolve({ status, body: body.toString() }), reject);
    });
    request.on("error", reject).end();
    return await promise;
  };
  return { server, clock, fetch, port, closed: () => closed };
}

const text = (): Readable => Readable.from([Buffer.from("the "), Buffer.from("file")]);

describe("the server of downloads", () => {
  it("gives a file out once within its time, also behind a proxy that puts something before the path", async (t) => {
    const { server, clock, closed, fetch } = await open(t, text);
    const [first, second, third] = [1, 2, 3].map(() => server.offer(location, file, 1000)) as [string, string, string];
    assert.deepEqual(await fetch(first), { status: 200, body: "the file" });
    assert.equal((await fetch(first)).status, 410);
    await clock.advance(999);
    assert.equal((await fetch(`/some/prefix${second}?x=1`)).status, 200);
    await clock.advance(1);
    assert.equal((await fetch(third)).status, 410);
    assert.equal(closed(), 2);
  });

  it("breaks the transfer off when the store fails in the middle, so that nobody takes a part for the whole", async (t) => {
    const { server, closed, fetch } = await open(t, () =>
      Readable.from(
        (async function* () {
          yield Buffer.alloc(100_000);
          throw new Error("the disk is gone");
        })(),
      ),
    );
    await assert.rejects(fetch(server.offer(location, file, 1000)), { code: "ECONNRESET" });
    assert.equal(closed(), 1);
  });

  it("says so when the file cannot be read at all", async (t) => {
    const exists = (): Promise<boolean> => Promise.reject(new Error("secret details"));
    const { server, fetch } = await open(t, text, exists);
    const { status, body } = await fetch(server.offer(location, file, 1000));
    assert.equal(status, 500);
    assert.doesNotMatch(body, /secret/);
  });

  it("remembers so many addresses only: the newest", async (t) => {
    const { server, fetch } = await open(t, text);
    const first = server.offer(location, file, 1000);
    for (let number = 0; number < 9999; number++) server.offer(location, file, 1000);
    const last = server.offer(location, file, 1000);
    assert.equal((await fetch(first)).status, 410);
    assert.equal((await fetch(last)).status, 200);
  });

  it("outlives clients that speak no TLS", async (t) => {
    const { server, fetch, port } = await open(t, text);
    const socket = connect(port, "127.0.0.1");
    await new Promise((resolve) => socket.on("error", resolve).on("close", resolve).end("GET / HTTP/1.1\r\n\r\n"));
    assert.equal((await fetch(server.offer(location, file, 1000))).status, 200);
  });

  it("ends while somebody reads", async (t) => {
    const started = Promise.withResolvers<void>();
    const { server, fetch } = await open(t, () => {
      started.resolve();
      return new Readable({ read: () => undefined });
    });
    const reading = assert.rejects(fetch(server.offer(location, file, 1000)));
    await started.promise;
    await server.close();
    await reading;
  });
});
