// Gives out files of locations that cannot sign URLs (directories): over TLS, each under an address that cannot be guessed,
// works once and only for a while.
import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import type { BackupStorageLocation } from "../../api/backup-storage-location.ts";
import type { Clock } from "../../platform/clock.ts";
import { errorFacts } from "../../platform/coded-error.ts";
import type { ListenAddress } from "../../platform/listen-address.ts";
import type { Logger } from "../../platform/logger.ts";
import type { OpenLocationStore, StoredFile } from "../location-store/location-store.ts";
import type { ServerCertificate } from "./server-certificate.ts";

export interface DownloadServerOptions {
  readonly openLocationStore: OpenLocationStore;
  readonly certificate: ServerCertificate;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What an address stands for. */
interface Offer {
  readonly location: BackupStorageLocation;
  readonly file: StoredFile;
  readonly untilMs: number;
}

/** The path's end, so that a proxy may put something before it. */
const offerPath = /\/downloads\/([0-9a-f]{64})$/;
/** Requests that nobody answers must not fill the memory. */
const mostOffers = 10_000;
const mostConnections = 100;

export class DownloadServer {
  readonly #options: DownloadServerOptions;
  readonly #server: Server;
  /** By token; the oldest first. */
  readonly #offers = new Map<string, Offer>();
  readonly #stop = new AbortController();

  constructor(options: DownloadServerOptions) {
    this.#options = options;
    const { certificatePem, privateKeyPem } = options.certificate;
    this.#server = createServer({ cert: certificatePem, key: privateKeyPem }, (request, response) => {
      void this.#answer(request, response);
    });
    this.#server.maxConnections = mostConnections;
    // A client that breaks off, or speaks no TLS, is its own affair.
    this.#server.on("clientError", (_, socket) => socket.destroy());
  }

  /** @returns the port. @throws Node's error when the address cannot be had. */
  async listen({ host, port }: ListenAddress): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once("error", reject);
    this.#server.listen({ port, ...(host === "" ? {} : { host }) }, resolve);
    await promise;
    this.#server.removeListener("error", reject);
    this.#server.on("error", (error) => this.#options.log.warn("the server of downloads failed", errorFacts(error)));
    return (this.#server.address() as AddressInfo).port;
  }

  /** @returns the path under which the file can be read once within that time. */
  offer(location: BackupStorageLocation, file: StoredFile, validMs: number): string {
    const nowMs = this.#options.clock.monotonicMs();
    for (const [token, { untilMs }] of this.#offers) {
      if (untilMs > nowMs && this.#offers.size < mostOffers) break;
      this.#offers.delete(token);
    }
    const token = randomBytes(32).toString("hex");
    this.#offers.set(token, { location, file, untilMs: nowMs + validMs });
    return `/downloads/${token}`;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#server.closeAllConnections();
    await promise;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      if (request.method !== "GET") return refuse(response, 405, "only GET is answered here");
      const offer = this.#take(request.url ?? "");
      // Not 404: the command line would say that the Backup has no such file.
      if (offer === undefined) return refuse(response, 410, "this address was used already, or its time is over");
      await this.#send(offer, response);
    } catch (error) {
      if (this.#stop.signal.aborted) return void response.destroy();
      this.#options.log.warn("a download failed", errorFacts(error));
      if (response.headersSent) response.destroy();
      else refuse(response, 500, "the file cannot be read; the server's log says why");
    }
  }

  #take(url: string): Offer | undefined {
    const token = offerPath.exec(url.split("?")[0] ?? "")?.[1] ?? "";
    const offer = this.#offers.get(token);
    this.#offers.delete(token);
    return offer !== undefined && offer.untilMs > this.#options.clock.monotonicMs() ? offer : undefined;
  }

  async #send({ location, file }: Offer, response: ServerResponse): Promise<void> {
    const { signal } = this.#stop;
    const store = await this.#options.openLocationStore(location, signal);
    try {
      if (!(await store.exists(file, signal))) return refuse(response, 404, "there is no such file");
      response.writeHead(200, { "content-type": "application/octet-stream", "cache-control": "no-store" });
      await pipeline(store.read(file, signal), response);
    } finally {
      await store.close();
    }
  }
}

function refuse(response: ServerResponse, status: number, reason: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(`${reason}\n`);
}
