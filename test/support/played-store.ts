// Plays the part of the server that answers DownloadRequests, and the store behind it: an HTTPS server with a certificate that
// nobody knows.
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import type { DownloadRequest, DownloadTargetKind } from "../../src/api/requests.ts";
import { downloadRequests } from "../../src/api/resources.ts";
import { Informer } from "../../src/kube/informer.ts";
import { connectToCluster } from "../../src/kube/kube-connection.ts";
import { TypedClient } from "../../src/kube/typed-client.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { createAuthority } from "./certificates.ts";

/** How a file is given out. */
export type Delivery = "whole" | "broken-off" | "refused" | "redirected" | "dripping";

export class PlayedStore {
  /** Of the authority that vouches for it. */
  readonly certificatePem: string;
  /** False: requests are left as they are. */
  isAnswering = true;
  /** True: the certificate comes with the address, as an annotation. */
  showsCertificate = true;
  /** Set: what the server says instead of an address. */
  problem: string | undefined;
  delivery: Delivery = "whole";
  readonly #server: Server;
  readonly #files = new Map<string, Buffer>();
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor() {
    const authority = createAuthority("a store that nobody knows");
    const { certificatePem, privateKeyPem } = authority.issue("store", ["localhost"], ["127.0.0.1"]);
    this.certificatePem = authority.certificatePem;
    this.#server = createServer({ cert: certificatePem, key: privateKeyPem }, (request, response) => {
      const path = new URL(request.url ?? "/", "https://localhost").pathname;
      const bytes = this.#files.get(decodeURIComponent(path));
      if (bytes === undefined) response.writeHead(404).end("<Message>no such key</Message>");
      else if (this.delivery === "refused") response.writeHead(403).end("<E><Message>it has expired</Message></E>");
      else if (this.delivery === "redirected" && !request.url?.includes("again")) {
        response.writeHead(307, { location: `${request.url}&again=1` }).end();
      } else if (this.delivery === "broken-off") {
        response.writeHead(200, { "content-length": bytes.length });
        response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
      } else if (this.delivery === "dripping") {
        response.writeHead(200, { "content-length": bytes.length });
        response.write(bytes.subarray(0, bytes.length / 2));
      } else response.writeHead(200, { "content-length": bytes.length }).end(bytes);
    });
  }

  async start(kubeconfig: string): Promise<void> {
    await new Promise<void>((resolve) => void this.#server.listen(0, "127.0.0.1", resolve));
    const client = new TypedClient({ connection: connectToCluster(kubeconfig) });
    const requests = new Informer<DownloadRequest>({
      ...{ client, resource: downloadRequests, namespace: "velero", log: silentLogger },
    });
    requests.onChange(() => {
      for (const request of requests.list()) void this.#answer(client, request);
    });
    this.#running = requests.run(this.#stop.signal);
    await requests.synced;
  }

  put(kind: DownloadTargetKind, name: string, content: object | string | Uint8Array): void {
    const isBytes = typeof content === "string" || content instanceof Uint8Array;
    const bytes = isBytes ? content : JSON.stringify(content);
    this.putRaw(kind, name, kind === "BackupContents" ? Buffer.from(bytes) : gzipSync(bytes));
  }

  /** As it shall lie there, packed or damaged. */
  putRaw(kind: DownloadTargetKind, name: string, bytes: Buffer): void {
    this.#files.set(`/${kind}/${name}`, bytes);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => void this.#server.close(() => resolve()));
  }

  async #answer(client: TypedClient, { metadata, spec, status }: DownloadRequest): Promise<void> {
    if (!this.isAnswering || status?.phase === "Processed") return;
    const { port } = this.#server.address() as AddressInfo;
    const downloadURL = `https://127.0.0.1:${port}/${spec.target.kind}/${spec.target.name}?signature=very-secret`;
    const annotations = this.showsCertificate ? { "stowage.dev/download-certificate": this.certificatePem } : {};
    const said = { metadata: { annotations: { "stowage.dev/download-problem": this.problem } } };
    const answer = { metadata: { annotations }, status: { phase: "Processed", downloadURL } };
    const patch = this.problem === undefined ? answer : said;
    // It may have been taken back meanwhile.
    const address = { namespace: "velero", name: metadata.name };
    await client.mergePatch(downloadRequests, address, patch).catch(() => undefined);
  }
}
