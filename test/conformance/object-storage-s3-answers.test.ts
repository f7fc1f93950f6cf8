// How the S3 storage takes answers that a healthy server does not give: broken off, stalled, refused, redirected. The
// server here says word for word what each test tells it to.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { TestContext } from "node:test";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { S3ConnectionOptions } from "../../repo-format/storage/s3/s3-options.ts";
import { S3Storage } from "../../repo-format/storage/s3/s3-storage.ts";
import { assertCode, collect, sha256 } from "./object-storage-suite.ts";

interface Exchange {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** Answers one request; `exchange.body` is empty when `readsBody` is false. */
type Script = (exchange: Exchange, answer: ServerResponse, number: number) => void | Promise<void>;

interface ScriptedStore {
  readonly storage: S3Storage;
  readonly exchanges: Exchange[];
}

const credentials = { accessKeyId: "key", secretAccessKey: "secret-of-the-test", sessionToken: "token-of-the-test" };

async function scripted(
  t: TestContext,
  script: Script,
  options: S3ConnectionOptions & { readsBody?: boolean } = {},
): Promise<ScriptedStore> {
  const { readsBody = true, ...s3 } = options;
  const exchanges: Exchange[] = [];
  const server = createServer(async (request, answer) => {
    const chunks: Buffer[] = [];
    if (readsBody) for await (const chunk of request) chunks.push(chunk as Buffer);
    const url = new URL(request.url ?? "", "http://host");
    const exchange = { method: request.method ?? "", url, headers: request.headers, body: Buffer.concat(chunks) };
    exchanges.push(exchange);
    await script(exchange, answer, exchanges.length);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const storage = new S3Storage({ endpoint, bucket: "bucket", prefix: "p", credentials, ...s3 });
  t.after(async () => {
    await storage.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { storage, exchanges };
}

function refuse(answer: ServerResponse, status: number, code: string, extra: string = ""): void {
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>words of the store</Message>${extra}</Error>`;
  answer.writeHead(status, { "content-type": "application/xml" }).end(body);
}

describe("S3Storage, what it sends", () => {
  it("a body goes as it is: exact length, its hash as payload hash, no trailers, no waiting for leave", async (t) => {
    const { storage, exchanges } = await scripted(t, (_, answer) => void answer.writeHead(200).end());
    for (const size of [0, 10, 3 << 20]) {
      const parts = [randomBytes(size), Buffer.from("end")];
      await storage.put("data/ab/x", parts, { sha256: sha256(parts) });
      await storage.put("data/ab/x", parts);
    }
    assert.equal(exchanges.length, 6);
    for (const { headers, body, url } of exchanges) {
      assert.equal(url.pathname, "/bucket/p/data/ab/x");
      assert.equal(headers["content-length"], String(body.length));
      assert.equal(headers["x-amz-content-sha256"], sha256(body));
      assert.equal(headers["x-amz-security-token"], credentials.sessionToken);
      const unwanted = ["expect", "transfer-encoding", "content-encoding", "x-amz-trailer", "x-amz-checksum-crc32"];
      for (const name of unwanted) assert.equal(headers[name], undefined, name);
    }
  });

  it("the storage class is said for data packs alone", async (t) => {
    const { storage, exchanges } = await scripted(t, (_, answer) => void answer.writeHead(200).end(), {
      storageClass: "GLACIER",
    });
    await storage.put("data/ab/x", Buffer.from("x"));
    await storage.put("data/ab/x", Buffer.from("x"), { isTreePack: true });
    for (const key of ["config", "keys/x", "index/x", "snapshots/x", "locks/x"])
      await storage.put(key, Buffer.from("x"));
    const classes = exchanges.map(({ headers }) => headers["x-amz-storage-class"]);
    assert.deepEqual(classes, ["GLACIER", ...Array.from({ length: 6 }, () => undefined)]);
  });

  it("without credentials by choice nothing is signed", async (t) => {
    const script: Script = (_, answer) => void answer.writeHead(200).end("x");
    const { storage, exchanges } = await scripted(t, script, { credentials: { anonymous: true } });
    await storage.get("config");
    assert.equal(exchanges[0]?.headers.authorization, undefined);
  });

  it("a redirect to another region is followed, with the body sent again, and remembered", async (t) => {
    const script: Script = ({ headers }, answer) => {
      if (headers.authorization?.includes("/eu-west-3/")) return void answer.writeHead(200).end();
      answer.setHeader("x-amz-bucket-region", "eu-west-3");
      refuse(answer, 301, "PermanentRedirect");
    };
    const { storage, exchanges } = await scripted(t, script);
    const body = randomBytes(1 << 20);
    await storage.put("data/ab/x", body);
    await storage.put("data/ab/y", body);
    assert.deepEqual(
      exchanges.map(({ url }) => url.pathname.slice(-1)),
      ["x", "x", "y"],
    );
    assert.deepEqual(exchanges[1]?.body, body);
  });

  it("a region that the store names in its refusal is used", async (t) => {
    const { storage } = await scripted(t, ({ headers }, answer) => {
      if (headers.authorization?.includes("/eu-west-3/")) return void answer.writeHead(200).end("there");
      refuse(answer, 400, "AuthorizationHeaderMalformed", "<Region>eu-west-3</Region>");
    });
    assert.equal((await storage.get("config")).toString(), "there");
  });

  it("a bucket that insists on a checksum gets one, from the second attempt on", async (t) => {
    const { storage, exchanges } = await scripted(t, ({ headers }, answer) => {
      if (headers["x-amz-checksum-sha256"] !== undefined) return void answer.writeHead(200).end();
      answer
        .writeHead(400)
        .end(
          "<Error><Code>InvalidRequest</Code><Message>Content-MD5 OR x-amz-checksum- HTTP header is required</Message></Error>",
        );
    });
    await storage.put("data/ab/x", Buffer.from("x"));
    await storage.put("data/ab/y", Buffer.from("y"));
    assert.equal(exchanges.length, 3);
    const expected = Buffer.from(sha256(Buffer.from("y")), "hex").toString("base64");
    assert.equal(exchanges[2]?.headers["x-amz-checksum-sha256"], expected);
  });

  it("ifAbsent looks first, then writes on condition; a store without conditions is written to plainly", async (t) => {
    const { storage, exchanges } = await scripted(t, ({ method, headers }, answer) => {
      if (method === "HEAD") return void answer.writeHead(404).end();
      if (headers["if-none-match"] === "*") return refuse(answer, 501, "NotImplemented");
      answer.writeHead(200).end();
    });
    await storage.put("config", Buffer.from("x"), { ifAbsent: true });
    assert.deepEqual(
      exchanges.map(({ method }) => method),
      ["HEAD", "PUT", "PUT"],
    );
  });
});

describe("S3Storage, answers that break off", () => {
  it("an object that ends too early is never given out as whole", async (t) => {
    const { storage } = await scripted(t, (_, answer) => {
      answer.writeHead(200, { "content-length": 100 });
      answer.write("only this", () => answer.destroy());
    });
    const error = await storage.get("config").then(
      () => assert.fail("a part was taken for the whole"),
      (reason: unknown) => reason as { retry: string; message: string },
    );
    assert.equal(error.retry, "backoff");
    assert.match(error.message, /config/);
  });

  it("a store that ignores ranges is put up with", async (t) => {
    const { storage } = await scripted(t, (_, answer) => void answer.writeHead(200).end("0123456789"));
    assert.equal((await storage.getRange("x", 2, 3)).toString(), "234");
    assert.equal((await storage.getRange("x", -3, 3)).toString(), "789");
    await assertCode("range-invalid", () => storage.getRange("x", 8, 3));
  });

  it("a range that the store shortens because the object ends is range-invalid", async (t) => {
    const { storage } = await scripted(t, (_, answer) => {
      answer.writeHead(206, { "content-range": "bytes 5-9/10" }).end("56789");
    });
    await assertCode("range-invalid", () => storage.getRange("x", 5, 10));
  });

  it("a request without any progress is given up after the time limit", async (t) => {
    const silent = await scripted(t, () => undefined, { stallTimeoutMs: 80 });
    await assertCode("storage-unavailable", () => silent.storage.get("config"));
    const halfway = await scripted(
      t,
      (_, answer) => void answer.writeHead(200, { "content-length": 100 }).write("only this"),
      { stallTimeoutMs: 80 },
    );
    await assertCode("storage-unavailable", () => halfway.storage.get("config"));
    const unread = await scripted(t, () => undefined, { stallTimeoutMs: 80, readsBody: false });
    await assertCode("storage-unavailable", () => unread.storage.put("data/ab/x", randomBytes(32 << 20)));
  });

  it("a slow answer that goes on is not given up", async (t) => {
    const script: Script = async (_, answer) => {
      answer.writeHead(200, { "content-length": 8 });
      for (let sent = 0; sent < 8; sent += 1) {
        answer.write("x");
        await sleep(60);
      }
      answer.end();
    };
    const { storage } = await scripted(t, script, { stallTimeoutMs: 350 });
    assert.equal((await storage.get("config")).toString(), "xxxxxxxx");
  });

  it("a request in flight ends at once when it is cancelled", async (t) => {
    const { storage } = await scripted(t, () => undefined);
    const controller = new AbortController();
    const reading = storage.get("config", { signal: controller.signal });
    const writing = storage.put("data/ab/x", randomBytes(1 << 20), { signal: controller.signal });
    setImmediate(() => controller.abort());
    await assertCode("cancelled", () => reading);
    await assertCode("cancelled", () => writing);
  });
});

describe("S3Storage, refusals", () => {
  const refusals = [
    [503, "SlowDown", "storage-unavailable"],
    [500, "InternalError", "storage-unavailable"],
    [502, "SomethingNew", "storage-unavailable"],
    [409, "OperationAborted", "storage-unavailable"],
    [400, "RequestTimeout", "storage-unavailable"],
    [403, "RequestTimeTooSkewed", "storage-unavailable"],
    [429, "TooManyRequests", "storage-unavailable"],
    [403, "AccessDenied", "storage-denied"],
    [400, "ExpiredToken", "storage-denied"],
    [401, "SomethingNew", "storage-denied"],
    [404, "NoSuchBucket", "storage-misconfigured"],
    [404, "SomethingNew", "storage-misconfigured"],
    [400, "InvalidBucketName", "storage-misconfigured"],
    [501, "NotImplemented", "storage-misconfigured"],
    [507, "InsufficientStorage", "storage-full"],
    [403, "QuotaExceeded", "storage-full"],
  ] as const;
  for (const [status, name, code] of refusals) {
    it(`${status} ${name} is ${code}, and the message quotes the store`, async (t) => {
      const { storage } = await scripted(t, (_, answer) => refuse(answer, status, name));
      for (const call of [() => storage.get("config"), () => storage.put("config", Buffer.from("x"))]) {
        const error = await assertCode(code, call);
        assert.match(error.message, /bucket/);
        if (name !== "NoSuchBucket") assert.match(error.message, /words of the store/);
        const shown = [JSON.stringify(error), error.stack, JSON.stringify(error.cause)].join("\n");
        assert.ok(!shown.includes(credentials.secretAccessKey) && !shown.includes(credentials.sessionToken), shown);
      }
    });
  }

  it("an answer that is no XML at all is an error by its status", async (t) => {
    const { storage } = await scripted(t, (_, answer) => void answer.writeHead(502).end("<html>Bad gateway"));
    await assertCode("storage-unavailable", () => collect(storage.list("")));
    await assertCode("storage-unavailable", () => storage.put("config", Buffer.from("x")));
  });

  it("a refusal that is lost because the upload was cut off is found out", async (t) => {
    const script: Script = ({ method, url }, answer) => {
      if (method === "POST" && url.searchParams.has("uploads")) return refuse(answer, 403, "AccessDenied");
      answer.socket?.resetAndDestroy();
    };
    const { storage } = await scripted(t, script, { readsBody: false });
    await assertCode("storage-denied", () => storage.put("data/ab/x", randomBytes(16 << 20)));
  });

  it("an upload that was cut off without a refusal may be tried again, and leaves no upload in parts behind", async (t) => {
    const script: Script = ({ method, url }, answer) => {
      if (method === "DELETE") return void answer.writeHead(204).end();
      if (method === "POST" && url.searchParams.has("uploads")) {
        const xml = "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>";
        return void answer.writeHead(200).end(xml);
      }
      answer.socket?.resetAndDestroy();
    };
    const { storage, exchanges } = await scripted(t, script, { readsBody: false });
    await assertCode("storage-unavailable", () => storage.put("data/ab/x", randomBytes(16 << 20)));
    assert.equal(exchanges.at(-1)?.method, "DELETE");
    assert.equal(exchanges.at(-1)?.url.searchParams.get("uploadId"), "u1");
  });

  it("after a refusal for the time, requests are signed with the store's clock", async (t) => {
    const storeTime = new Date(Date.UTC(2040, 0, 1));
    const { storage, exchanges } = await scripted(t, ({ headers }, answer) => {
      answer.setHeader("date", storeTime.toUTCString());
      if (String(headers["x-amz-date"]).startsWith("2040")) return void answer.writeHead(200).end("x");
      refuse(answer, 403, "RequestTimeTooSkewed");
    });
    await assertCode("storage-unavailable", () => storage.get("config"));
    await storage.get("config");
    assert.match(String(exchanges[1]?.headers["x-amz-date"]), /^20400101T0000/);
  });
});

describe("S3Storage, reading into memory of the caller", () => {
  const content = randomBytes(3 << 20);

  /** The range that was asked for, in the usual form. */
  function sendRange({ headers }: Exchange, answer: ServerResponse): void {
    const { first = "", last = "" } = /^bytes=(?<first>\d+)-(?<last>\d+)$/.exec(String(headers.range))?.groups ?? {};
    const body = content.subarray(Number(first), Number(last) + 1);
    const range = `bytes ${first}-${Number(first) + body.length - 1}/${content.length}`;
    answer.writeHead(206, { "content-length": body.length, "content-range": range }).end(body);
  }

  it("the bytes lie where they were wanted, and the connection is used again", async (t) => {
    const ports = new Set<number | undefined>();
    const { storage, exchanges } = await scripted(t, (exchange, answer) => {
      ports.add(answer.socket?.remotePort);
      sendRange(exchange, answer);
    });
    const into = new Uint8Array(content.length);
    for (const [offset, length] of [
      [0, content.length],
      [7, 1],
      [1000, 2 << 20],
    ] as const) {
      const bytes = await storage.getRange("data/ab/it's", offset, length, { into });
      assert.equal(bytes.buffer, into.buffer);
      assert.deepEqual(bytes, content.subarray(offset, offset + length));
    }
    assert.equal(ports.size, 1);
    assert.equal(exchanges.length, 3);
    assert.equal(exchanges[0]?.url.pathname, "/bucket/p/data/ab/it%27s");
    assert.match(String(exchanges[0]?.headers.authorization), /^AWS4-HMAC-SHA256 .*range/);
  });

  it("an answer that comes byte by byte is understood", async (t) => {
    const { storage } = await scripted(t, async (_, answer) => {
      answer.socket?.setNoDelay(true);
      for (const sign of hello) {
        answer.socket?.write(sign);
        await sleep(0);
      }
    });
    const into = new Uint8Array(5);
    assert.equal((await storage.getRange("data/ab/x", 0, 5, { into })).toString(), "hello");
    assert.equal(Buffer.from(into).toString(), "hello");
  });

  it("a connection that was closed while it was idle is replaced at once", async (t) => {
    const { storage, exchanges } = await scripted(t, (exchange, answer, number) => {
      sendRange(exchange, answer);
      if (number === 1) answer.on("finish", () => answer.socket?.destroySoon());
    });
    const into = new Uint8Array(10);
    for (const offset of [0, 10, 20]) {
      const bytes = await storage.getRange("data/ab/x", offset, 10, { into });
      assert.deepEqual(bytes, content.subarray(offset, offset + 10));
    }
    assert.equal(exchanges.length, 3);
  });

  it("an answer that breaks off is never given out as whole", async (t) => {
    const { storage } = await scripted(t, (_, answer) => {
      answer.writeHead(206, { "content-length": 100, "content-range": "bytes 0-99/100" });
      answer.write("only this", () => answer.destroy());
    });
    await assertCode("storage-unavailable", () => storage.getRange("x", 0, 100, { into: new Uint8Array(100) }));
  });

  const hello = "HTTP/1.1 206 Partial Content\r\ncontent-length: 5\r\ncontent-range: bytes 0-4/9\r\n\r\nhello";

  it("bytes that follow an answer end the connection and are nobody's answer", async (t) => {
    let socket: Socket | null = null;
    const { storage, exchanges } = await scripted(t, (exchange, answer, number) => {
      if (number > 1) return sendRange(exchange, answer);
      socket = answer.socket;
      socket?.write(hello);
    });
    const into = new Uint8Array(5);
    assert.equal((await storage.getRange("x", 0, 5, { into })).toString(), "hello");
    const first = socket as unknown as Socket;
    const closed = once(first, "close");
    first.write("more of it");
    await closed;
    assert.deepEqual(await storage.getRange("x", 0, 5, { into }), content.subarray(0, 5));
    assert.equal(exchanges.length, 2);
  });

  it("an answer with too many bytes is not believed", async (t) => {
    const { storage, exchanges } = await scripted(t, (exchange, answer, number) => {
      if (number > 1) sendRange(exchange, answer);
      else answer.socket?.write(`${hello}more of it`);
    });
    const bytes = await storage.getRange("x", 0, 5, { into: new Uint8Array(5) });
    assert.deepEqual(bytes, content.subarray(0, 5));
    assert.equal(exchanges.length, 2);
  });

  it("a store that answers in another form is asked again by Node's client, and later by that alone", async (t) => {
    const { storage, exchanges } = await scripted(t, ({ headers }, answer) => {
      assert.match(String(headers.range), /^bytes=/);
      answer.writeHead(200).write("0123"); // in chunks, and all of it
      answer.end("456789");
    });
    const into = new Uint8Array(3);
    assert.equal((await storage.getRange("x", 2, 3, { into })).toString(), "234");
    assert.equal(exchanges.length, 2);
    assert.equal((await storage.getRange("x", 7, 3, { into })).toString(), "789");
    assert.equal(exchanges.length, 3);
  });

  it("a refusal says what it says otherwise", async (t) => {
    const body = "<Error><Code>SlowDown</Code><Message>words of the store</Message></Error>";
    const { storage, exchanges } = await scripted(t, (_, answer) => {
      answer.writeHead(503, { "content-length": body.length }).end(body);
    });
    const reading = (): Promise<Buffer> => storage.getRange("x", 0, 3, { into: new Uint8Array(3) });
    assert.match((await assertCode("storage-unavailable", reading)).message, /words of the store/);
    assert.equal(exchanges.length, 1);
  });

  it("it is given up when nothing comes, and ends at once when it is cancelled", async (t) => {
    const into = new Uint8Array(100);
    const halfway: Script = (_, answer) => void answer.writeHead(206, { "content-length": 100 }).write("only this");
    for (const script of [halfway, (): void => undefined]) {
      const { storage } = await scripted(t, script, { stallTimeoutMs: 80 });
      await assertCode("storage-unavailable", () => storage.getRange("x", 0, 100, { into }));
    }
    const { storage } = await scripted(t, halfway);
    const controller = new AbortController();
    const reading = storage.getRange("x", 0, 100, { into, signal: controller.signal });
    setImmediate(() => controller.abort());
    await assertCode("cancelled", () => reading);
    await assertCode("cancelled", () => storage.getRange("x", 0, 100, { into, signal: controller.signal }));
  });
});

describe("S3Storage, listings", () => {
  it("keys that come URL-encoded are decoded, and marks for empty folders are left out", async (t) => {
    const { storage, exchanges } = await scripted(t, (_, answer) => {
      const contents = ["p/a%01b", "p/c+d", "p/folder/"]
        .map((key) => `<Contents><Key>${key}</Key><Size>3</Size></Contents>`)
        .join("");
      const xml = `<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>${contents}</ListBucketResult>`;
      answer.writeHead(200).end(xml);
    });
    const listed = await collect(storage.list(""));
    assert.deepEqual(listed, [
      { key: "a\u0001b", sizeBytes: 3 },
      { key: "c d", sizeBytes: 3 },
    ]);
    assert.equal(exchanges[0]?.url.searchParams.get("prefix"), "p/");
  });
});
