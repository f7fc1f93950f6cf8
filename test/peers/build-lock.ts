// Keeps two processes of this machine from building the same program at once. The lock is an abstract Unix socket: the
// kernel drops it when its holder dies, however it dies, so there is no stale lock to recognise.
import { createHash } from "node:crypto";
import { connect, createServer, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** Runs `build` while no other process of this machine runs one for the same `path`. */
export async function withBuildLock<T>(path: string, build: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const socketName = `\0stowage-peers-${createHash("sha256").update(path).digest("hex").slice(0, 32)}`;
  let server = await tryListen(socketName);
  while (server === undefined) {
    signal?.throwIfAborted();
    await holderGone(socketName);
    server = await tryListen(socketName);
  }
  try {
    return await build();
  } finally {
    server.close();
  }
}

function tryListen(socketName: string): Promise<Server | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<Server | undefined>();
  // Waiting processes connect and stay connected; unref keeps them from holding the builder alive.
  const server = createServer((socket) => socket.on("error", () => {}).unref());
  server.on("error", (error: NodeJS.ErrnoException) =>
    error.code === "EADDRINUSE" ? resolve(undefined) : reject(error),
  );
  server.listen(socketName, () => {
    server.unref();
    resolve(server);
  });
  return promise;
}

/** Resolves when the holder has closed or died, or after a second, whichever is first. */
async function holderGone(socketName: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = connect(socketName);
  socket.on("error", () => {});
  socket.on("close", resolve);
  await Promise.race([promise, sleep(1000)]);
  socket.destroy();
}
