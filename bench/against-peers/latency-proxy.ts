// An HTTP proxy that holds every request back for a while before it goes on to the server, as a store far away would, and
// counts requests and bytes. Bandwidth is not limited.
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export interface Traffic {
  readonly requests: number;
  /** Bodies only. */
  readonly sentBytes: number;
  readonly fetchedBytes: number;
}

export interface LatencyProxy {
  /** "http://127.0.0.1:PORT". */
  readonly endpoint: string;
  /** Since the start. */
  traffic(): Traffic;
  close(): Promise<void>;
}

/** @param upstream "http://host:port". */
export async function startLatencyProxy(upstream: string, delayMs: number): Promise<LatencyProxy> {
  const { hostname, port } = new URL(upstream);
  const agent = new Agent({ keepAlive: true, noDelay: true });
  const traffic = { requests: 0, sentBytes: 0, fetchedBytes: 0 };
  const forward = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const { method, url: path, rawHeaders: headers } = incoming;
    // The headers go on as they came, because the signature covers the name of the host.
    const onward = request({ hostname, port, method, path, headers, agent, setHost: false }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.on("data", (piece: Buffer) => {
        traffic.fetchedBytes += piece.length;
      });
      answer.pipe(outgoing);
    });
    const fail = (): void => void outgoing.destroy();
    onward.on("error", fail);
    // A client that goes away, in the middle of an answer too, takes its request with it.
    outgoing.on("close", () => outgoing.writableFinished || onward.destroy());
    incoming.on("data", (piece: Buffer) => {
      traffic.sentBytes += piece.length;
    });
    incoming.on("error", fail).pipe(onward);
  };
  const server = createServer(async (incoming, outgoing) => {
    traffic.requests++;
    if (delayMs > 0) await sleep(delayMs);
    forward(incoming, outgoing);
  });
  // Uploads and restores keep connections for as long as they like.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  const listening = Promise.withResolvers<void>();
  server.once("error", listening.reject).listen(0, "127.0.0.1", listening.resolve);
  await listening.promise;
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    traffic: () => ({ ...traffic }),
    close: async () => {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      agent.destroy();
      await closed.promise;
    },
  };
}
