// A TCP proxy before a store that, when it is told to, never answers some requests: their connections stay open, as with a
// server that hangs. Everything else goes through, so that locks can still be removed.
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface StallingProxy {
  /** "http://127.0.0.1:PORT". */
  readonly endpoint: string;
  /** From now on requests whose first line this matches get no answer. */
  hold(firstLine: RegExp): void;
  /** New requests are answered again; what was held stays without an answer. */
  letGo(): void;
  /** Bytes that went to the store and came from it. */
  readonly bytes: { sent: number; received: number };
  close(): Promise<void>;
}

export async function startStallingProxy(port: number): Promise<StallingProxy> {
  let held: RegExp | undefined;
  const bytes = { sent: 0, received: 0 };
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const store = connect(port, "127.0.0.1");
    let isHeld = false;
    client.on("data", (chunk: Buffer) => {
      // A client waits for its answer before it sends the next request, so a request begins with a chunk.
      const [line = ""] = chunk.subarray(0, 2048).toString("latin1").split("\r\n", 1);
      isHeld ||= held !== undefined && / HTTP\/1\.1$/.test(line) && held.test(line);
      if (isHeld) return;
      bytes.sent += chunk.length;
      if (!store.write(chunk)) pauseUntilDrained(client, store);
    });
    store.on("data", (chunk: Buffer) => {
      bytes.received += chunk.length;
      if (!client.write(chunk)) pauseUntilDrained(store, client);
    });
    for (const [socket, other] of [
      [client, store],
      [store, client],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hold: (firstLine) => {
      held = firstLine;
    },
    letGo: () => {
      held = undefined;
    },
    bytes,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function pauseUntilDrained(from: Socket, to: Socket): void {
  from.pause();
  to.once("drain", () => from.resume());
}
