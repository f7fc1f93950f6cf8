// Plays a node's kubelet for the real API server, as far as `exec` goes: a Node object whose kubelet port is ours, and a
// server there that speaks the channel protocol. What a command does, the test decides.
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { type Certificate, createAuthority } from "./certificates.ts";
import type { ControlPlane } from "./control-plane.ts";

export interface PlayedCommand {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly command: readonly string[];
  readonly stdout: (text: string | Buffer) => void;
  readonly stderr: (text: string | Buffer) => void;
  /** Fires when the other side has gone. */
  readonly gone: AbortSignal;
  /** Resolves when the other side asks whether the connection lives. */
  readonly pinged: Promise<void>;
}

/** The exit code, or what kept the command from running; `hangUp` ends the connection without a word. */
export type CommandEnd = number | { readonly failure: string } | "hangUp";

export interface KubeletScript {
  /** Default: every command ends well. */
  readonly run?: (command: PlayedCommand) => CommandEnd | Promise<CommandEnd>;
  /** An answer instead of a connection; undefined lets the command run. */
  readonly refuse?: () => { readonly status: number; readonly text: string } | undefined;
}

export interface PlayedKubelet {
  /** Commands in the order in which they began, as "namespace/pod/container: words". */
  readonly commands: readonly string[];
  stop(): Promise<void>;
}

const nodes = "/api/v1/nodes";
const channels = { stdout: 1, stderr: 2, status: 3 } as const;

/** @param node made when it is not there. */
export async function playKubelet(
  controlPlane: ControlPlane,
  node: string,
  script: KubeletScript = {},
): Promise<PlayedKubelet> {
  const { certificatePem, privateKeyPem } = kubeletCertificate(node);
  const server = createServer({ cert: certificatePem, key: privateKeyPem });
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => (offered.has("v4.channel.k8s.io") ? "v4.channel.k8s.io" : false),
  });
  const commands: string[] = [];
  server.on("upgrade", (request, socket: Duplex, head: Buffer) => {
    const command = commandOf(request.url ?? "");
    const refused = script.refuse?.();
    if (refused !== undefined) return refuse(socket, refused);
    sockets.handleUpgrade(request, socket, head, (channel) => {
      commands.push(`${command.namespace}/${command.pod}/${command.container}: ${command.command.join(" ")}`);
      void carryOut(channel, command, script);
    });
  });
  const port = await listen(server);
  await registerNode(controlPlane, node, port);
  return {
    commands,
    stop: async () => {
      for (const channel of sockets.clients) channel.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The API server of the tests trusts every kubelet. */
export function kubeletCertificate(node: string): Certificate {
  return createAuthority("kubelets").issue(node, ["localhost"], ["127.0.0.1"]);
}

type CommandWords = Pick<PlayedCommand, "namespace" | "pod" | "container" | "command">;

async function carryOut(channel: WebSocket, words: CommandWords, script: KubeletScript): Promise<void> {
  const gone = new AbortController();
  channel.on("close", () => gone.abort());
  const pinged = new Promise<void>((resolve) => channel.on("ping", () => resolve()));
  const send = (number: number) => (text: string | Buffer) =>
    channel.send(Buffer.concat([Buffer.of(number), Buffer.from(text)]));
  const command = { ...words, stdout: send(channels.stdout), stderr: send(channels.stderr), gone: gone.signal, pinged };
  const end = (await script.run?.(command)) ?? 0;
  if (end === "hangUp") return channel.terminate();
  send(channels.status)(JSON.stringify(statusOf(end)));
  channel.close();
}

/** As the kubelet's remote command handler writes it. */
function statusOf(end: Exclude<CommandEnd, "hangUp">): object {
  if (end === 0) return { metadata: {}, status: "Success" };
  if (typeof end === "object")
    return { metadata: {}, status: "Failure", reason: "InternalError", message: end.failure };
  return {
    metadata: {},
    status: "Failure",
    message: `command terminated with non-zero exit code: exit status ${end}`,
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: String(end) }] },
  };
}

/** /exec/NAMESPACE/POD/CONTAINER?command=… */
function commandOf(path: string): CommandWords {
  const url = new URL(path, "https://kubelet");
  const [, verb, namespace = "", pod = "", container = ""] = url.pathname.split("/");
  if (verb !== "exec") throw new Error(`the played kubelet knows no ${url.pathname}`);
  return { namespace, pod, container, command: url.searchParams.getAll("command") };
}

function refuse(socket: Duplex, { status, text }: { readonly status: number; readonly text: string }): void {
  socket.end(`HTTP/1.1 ${status} Refused\r\ncontent-type: text/plain\r\ncontent-length: ${text.length}\r\n\r\n${text}`);
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** Points a Node at whoever listens on that port of this machine. */
export async function registerNode(controlPlane: ControlPlane, name: string, port: number): Promise<void> {
  // 409 when it is there already.
  await controlPlane.call("POST", nodes, { metadata: { name } });
  const status = {
    addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
    daemonEndpoints: { kubeletEndpoint: { Port: port } },
  };
  await controlPlane.must("PATCH", `${nodes}/${name}/status`, { status }, "application/merge-patch+json");
}
