// The proxy of the benchmarks: requests arrive late, whole and signed as they were sent, and are counted.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { type LatencyProxy, startLatencyProxy } from "../../bench/against-peers/latency-proxy.ts";

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly host: string | undefined;
  readonly body: string;
}

async function startBoth(context: TestContext, delayMs: number): Promise<{ proxy: LatencyProxy; seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    const pieces = await request.toArray();
    const { method, url, headers } = request;
    seen.push({ method, url, host: headers.host, body: Buffer.concat(pieces as Buffer[]).toString() });
    if (url === "/broken") response.destroy();
    else response.writeHead(207, { "x-answer": "yes" }).end(method === "HEAD" ? undefined : "answer");
  });
  const listening = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", listening.resolve);
  await listening.promise;
  const proxy = await startLatencyProxy(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, delayMs);
  context.after(async () => {
    await proxy.close();
    server.closeAllConnections();
    server.close();
  });
  return { proxy, seen };
}

test("a request goes on after the delay, as it came, and its answer comes back", async (context) => {
  const { proxy, seen } = await startBoth(context, 30);
  const begin = performance.now();
  const answer = await fetch(`${proxy.endpoint}/a%20b?x=1`, { method: "PUT", body: "content" });
  assert.ok(performance.now() - begin >= 29);
  assert.deepEqual([answer.status, answer.headers.get("x-answer"), await answer.text()], [207, "yes", "answer"]);
  const { host } = new URL(proxy.endpoint);
  assert.deepEqual(seen, [{ method: "PUT", url: "/a%20b?x=1", host, body: "content" }]);
  assert.deepEqual(proxy.traffic(), { requests: 1, sentBytes: 7, fetchedBytes: 6 });
});

test("requests wait side by side, not one after the other", async (context) => {
  const { proxy } = await startBoth(context, 200);
  const begin = performance.now();
  const answers = await Promise.all(Array.from({ length: 20 }, () => fetch(proxy.endpoint, { method: "HEAD" })));
  assert.ok(answers.every(({ status }) => status === 207));
  assert.ok(performance.now() - begin < 20 * 200);
  assert.equal(proxy.traffic().requests, 20);
});

test("a server that breaks off is one for the client, too", async (context) => {
  const { proxy } = await startBoth(context, 0);
  await assert.rejects(fetch(`${proxy.endpoint}/broken`));
  assert.equal((await fetch(proxy.endpoint)).status, 207);
});
