// Where the repositories of a shape lie: in a directory, or in an S3 server of our own behind the delaying proxy.
import { lstatSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type S3Server, startS3Server } from "../../test/support/s3-server.ts";
import { type LatencyProxy, startLatencyProxy, type Traffic } from "./latency-proxy.ts";
import type { Place } from "./session.ts";

export interface Store {
  /** A new one for each name. */
  place(name: string): Place;
  storedBytes(name: string): number;
  remove(name: string): void;
  /** Undefined without a proxy. */
  traffic(): Traffic | undefined;
  stop(): Promise<void>;
}

const bucket = "bench";

/** @param folder for repositories in directories. */
export function openDirectoryStore(folder: string): Store {
  mkdirSync(folder, { recursive: true });
  const pathOf = (name: string): string => join(folder, name);
  return {
    place: (name) => ({ kind: "directory", path: pathOf(name) }),
    storedBytes: (name) => bytesBelow(pathOf(name)),
    remove: (name) => rmSync(pathOf(name), { recursive: true, force: true }),
    traffic: () => undefined,
    stop: async () => {},
  };
}

/** @param delayMs of each request. */
export async function startS3Store(delayMs: number): Promise<Store> {
  const server: S3Server = await startS3Server({ buckets: [bucket] });
  const proxy: LatencyProxy = await startLatencyProxy(server.endpoint, delayMs);
  const pathOf = (name: string): string => join(server.dataFolder, bucket, name);
  return {
    place: (name) => ({ kind: "s3", endpoint: proxy.endpoint, bucket, prefix: name, env: server.env }),
    storedBytes: (name) => bytesBelow(pathOf(name)),
    remove: (name) => rmSync(pathOf(name), { recursive: true, force: true }),
    traffic: () => proxy.traffic(),
    stop: async () => {
      await proxy.close();
      await server.stop();
    },
  };
}

/** Of all files. */
export function bytesBelow(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, file) => sum + lstatSync(join(file.parentPath, file.name)).size, 0);
}
