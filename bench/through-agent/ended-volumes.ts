// When PodVolumeBackups end, told by the API server the moment that it knows: polling would cost time of both and blur
// what takes a tenth of a second.
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import type { ControlPlane } from "../../test/support/control-plane.ts";

const path = "/apis/velero.io/v1/namespaces/velero/podvolumebackups?watch=true";

interface WatchEvent {
  readonly object: {
    readonly metadata: { readonly name: string };
    readonly status?: { readonly phase?: string; readonly message?: string };
  };
}

export class EndedVolumes {
  readonly #stream: IncomingMessage;
  /** By name: when it was seen to be Completed, as performance.now(). */
  readonly #completed = new Map<string, number>();
  #failure: Error | undefined;
  #onChange: () => void = () => {};

  static async watch({ server, caFile, adminToken }: ControlPlane): Promise<EndedVolumes> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const headers = { authorization: `Bearer ${adminToken}` };
    const outgoing = request(`${server}${path}`, { ca: readFileSync(caFile), headers, agent: false }, resolve);
    outgoing.once("error", reject).end();
    const stream = await promise;
    if (stream.statusCode !== 200) throw new Error(`the watch was answered with ${stream.statusCode}`);
    return new EndedVolumes(stream);
  }

  private constructor(stream: IncomingMessage) {
    this.#stream = stream;
    let text = "";
    stream.setEncoding("utf8").on("data", (piece: string) => {
      const lines = (text + piece).split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) this.#note(JSON.parse(line) as WatchEvent);
      this.#onChange();
    });
    stream.on("close", () => {
      this.#failure ??= new Error("the API server has ended the watch");
      this.#onChange();
    });
    stream.on("error", () => {});
  }

  /** @returns when the last of them was Completed, as performance.now(). @throws Error when one has failed. */
  async last(names: readonly string[]): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#onChange = () => {
      const times = names.flatMap((name) => this.#completed.get(name) ?? []);
      if (times.length === names.length) resolve(Math.max(...times));
      else if (this.#failure !== undefined) reject(this.#failure);
    };
    this.#onChange();
    return await promise;
  }

  close(): void {
    this.#onChange = () => {};
    this.#stream.destroy();
  }

  #note({ object: { metadata, status } }: WatchEvent): void {
    if (status?.phase === "Completed" && !this.#completed.has(metadata.name)) {
      this.#completed.set(metadata.name, performance.now());
    } else if (status?.phase === "Failed") {
      this.#failure ??= new Error(`${metadata.name} has failed: ${status.message}`);
    }
  }
}
