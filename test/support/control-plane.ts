// A real control plane for tests: etcd and kube-apiserver as processes on the loopback address, with RBAC, ready in
// about three seconds. Without the controller manager, which has to be asked for, namespaces are not emptied when deleted
// and nothing makes pods. There is no kubelet: pods stay as they are written, unless PlayedNode plays one.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { createAuthority } from "./certificates.ts";
import { etcdBinary, kubeApiserverBinary, kubeControllerManagerBinary, kubectlBinary } from "./peers.ts";
import {
  freePort,
  isListening,
  type ProcessResult,
  type RunningProcess,
  runProcess,
  startProcess,
} from "./processes.ts";
import { makeTemporaryDirectory, removeDirectory } from "./temporary-directory.ts";

export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

export interface ControlPlane {
  /** "https://127.0.0.1:PORT". */
  readonly server: string;
  readonly port: number;
  /** Certificate of the authority that signed the server's. */
  readonly caFile: string;
  /** Kubeconfig of a cluster administrator (group system:masters). */
  readonly adminKubeconfig: string;
  /** Bearer token of that administrator. */
  readonly adminToken: string;
  /** One request as administrator; `body` goes out as JSON. Never rejects for a status. */
  call(method: string, path: string, body?: unknown, contentType?: string): Promise<ApiAnswer>;
  /** Like `call`, but rejects with the server's message unless the status is 2xx. */
  must(method: string, path: string, body?: unknown, contentType?: string): Promise<unknown>;
  /** kubectl as administrator. Never rejects for a bad exit status. */
  kubectl(args: readonly string[], input?: string): Promise<ProcessResult>;
  /**
   * Kubeconfig of a service account, so that a process runs with exactly its rights. The account (and its namespace) is
   * made if it is not there; its roles are the caller's affair.
   */
  serviceAccountKubeconfig(namespace: string, name: string): Promise<string>;
  /** Ends kube-apiserver; etcd and the data stay. */
  haltApiServer(): Promise<void>;
  resumeApiServer(): Promise<void>;
  /** Ends both and removes their data. */
  stop(): Promise<void>;
}

export interface ControlPlaneOptions {
  /**
   * Start the real controllers of namespaces, garbage, workloads, claims and service accounts too. No cloud, no nodes: what a
   * scheduler or a kubelet does is left to others.
   */
  readonly controllers?: boolean;
  /** Controllers that only some stories need. */
  readonly alsoControllers?: readonly string[];
}

/** Starts one; a port that somebody else took meanwhile is tried again with another. */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  try {
    return await startOnce(options);
  } catch {
    return await startOnce(options);
  }
}

async function startOnce(options: ControlPlaneOptions): Promise<ControlPlane> {
  const folder = makeTemporaryDirectory("control-plane");
  let etcd: RunningProcess | undefined;
  try {
    const files = writeCredentials(folder);
    const etcdPort = await freePort();
    etcd = await startEtcd(folder, etcdPort);
    const port = await freePort();
    const start = (): Promise<RunningProcess> => startApiServer({ folder, files, port, etcdPort });
    const parts = { folder, files, port, etcd, apiServer: await start(), start };
    if (options.controllers !== true) return controlPlane(parts);
    const manager = await startControllerManager(parts, options.alsoControllers).catch(async (error) => {
      await parts.apiServer.stop(0);
      throw error;
    });
    return controlPlane({ ...parts, manager });
  } catch (error) {
    await etcd?.stop();
    removeDirectory(folder);
    throw error;
  }
}

interface Parts {
  readonly folder: string;
  readonly files: Credentials;
  readonly port: number;
  readonly etcd: RunningProcess;
  readonly apiServer: RunningProcess;
  readonly manager?: RunningProcess;
  readonly start: () => Promise<RunningProcess>;
}

interface ServerCredentials {
  readonly server: string;
  /** PEM. */
  readonly ca: string;
  /** Writes a kubeconfig and gives its path. */
  readonly kubeconfig: (user: string, token: string) => string;
}

function credentialsFor({ folder, files, port }: Pick<Parts, "folder" | "files" | "port">): ServerCredentials {
  const server = `https://127.0.0.1:${port}`;
  const ca = readFileSync(files.caFile, "utf8");
  return { server, ca, kubeconfig: (user, token) => writeKubeconfig(folder, { server, ca, user, token }) };
}

function controlPlane({ folder, files, port, etcd, start, manager, ...parts }: Parts): ControlPlane {
  let { apiServer } = parts;
  const { server, ca, kubeconfig } = credentialsFor({ folder, files, port });
  const adminKubeconfig = kubeconfig("admin", files.adminToken);
  const call: ControlPlane["call"] = (method, path, body, contentType) =>
    callApi({ port, ca, token: files.adminToken, method, path, body, contentType });
  const must: ControlPlane["must"] = async (method, path, body, contentType) => {
    const answer = await call(method, path, body, contentType);
    if (answer.status >= 200 && answer.status < 300) return answer.body;
    const message = (answer.body as { message?: string }).message ?? JSON.stringify(answer.body);
    throw new Error(`${method} ${path} was answered with ${answer.status}: ${message}`);
  };
  return {
    server,
    port,
    caFile: files.caFile,
    adminKubeconfig,
    adminToken: files.adminToken,
    call,
    must,
    kubectl: (args, input) =>
      runProcess(kubectlBinary(), {
        args: ["--kubeconfig", adminKubeconfig, "--cache-dir", join(folder, "kubectl-cache"), ...args],
        ...(input === undefined ? {} : { input }),
      }),
    serviceAccountKubeconfig: async (namespace, name) => {
      const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
      // 409 when they are there already.
      await call("POST", "/api/v1/namespaces", { metadata: { name: namespace } });
      await call("POST", accounts, { metadata: { name } });
      const answer = await must("POST", `${accounts}/${name}/token`, { spec: { expirationSeconds: 24 * 3600 } });
      return kubeconfig(`${namespace}-${name}`, (answer as { status: { token: string } }).status.token);
    },
    haltApiServer: async () => void (await apiServer.stop(2000)),
    resumeApiServer: async () => {
      apiServer = await start();
    },
    stop: async () => {
      // Nothing of it is kept, so there is nothing to wait for.
      await Promise.all([manager?.stop(0), apiServer.stop(0), etcd.stop(0)]);
      removeDirectory(folder);
    },
  };
}

async function startEtcd(folder: string, port: number): Promise<RunningProcess> {
  const peerPort = await freePort();
  const [client, peer] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${peerPort}`];
  return await startProcess(etcdBinary(), {
    name: "etcd",
    args: [
      `--data-dir=${join(folder, "etcd")}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      "--unsafe-no-fsync",
      "--log-level=error",
    ],
    isReady: () => isListening(port),
  });
}

interface ApiServerOptions {
  readonly folder: string;
  readonly files: Credentials;
  readonly port: number;
  readonly etcdPort: number;
}

async function startApiServer({ folder, files, port, etcdPort }: ApiServerOptions): Promise<RunningProcess> {
  const ca = readFileSync(files.caFile, "utf8");
  const probe = { port, ca, token: files.adminToken, method: "GET", path: "/readyz" };
  return await startProcess(kubeApiserverBinary(), {
    name: "kube-apiserver",
    args: [
      `--etcd-servers=http://127.0.0.1:${etcdPort}`,
      "--bind-address=127.0.0.1",
      "--advertise-address=127.0.0.1",
      `--secure-port=${port}`,
      `--cert-dir=${join(folder, "apiserver")}`,
      `--tls-cert-file=${files.certificateFile}`,
      `--tls-private-key-file=${files.keyFile}`,
      `--token-auth-file=${files.tokenFile}`,
      "--authorization-mode=RBAC",
      "--service-account-issuer=https://kubernetes.default.svc",
      `--service-account-key-file=${files.accountKeyFile}`,
      `--service-account-signing-key-file=${files.accountKeyFile}`,
      "--service-cluster-ip-range=10.0.0.0/24",
      // Pods may be written although nobody makes default service accounts.
      "--disable-admission-plugins=ServiceAccount",
      "--allow-privileged=true",
      "--enable-priority-and-fairness=false",
      "--endpoint-reconciler-type=none",
      "--profiling=false",
    ],
    readyTimeoutMs: 60_000,
    isReady: async () => (await callApi(probe)).status === 200,
  });
}

const startedControllers = [
  "namespace-controller",
  "garbage-collector-controller",
  "serviceaccount-controller",
  "deployment-controller",
  "replicaset-controller",
  "statefulset-controller",
  "job-controller",
  "persistentvolume-binder-controller",
  "persistentvolumeclaim-protection-controller",
  "persistentvolume-protection-controller",
];

async function startControllerManager(
  { folder, files, port }: Parts,
  more: readonly string[] = [],
): Promise<RunningProcess> {
  const securePort = await freePort();
  return await startProcess(kubeControllerManagerBinary(), {
    name: "kube-controller-manager",
    args: [
      `--kubeconfig=${credentialsFor({ folder, files, port }).kubeconfig("controllers", files.adminToken)}`,
      `--controllers=${[...startedControllers, ...more].join(",")}`,
      "--leader-elect=false",
      "--bind-address=127.0.0.1",
      `--secure-port=${securePort}`,
      `--cert-dir=${join(folder, "controllers")}`,
      "--concurrent-namespace-syncs=4",
      // Kinds that appear while a test runs are soon known.
      "--min-resync-period=10s",
    ],
    isReady: () => isListening(securePort),
  });
}

interface Credentials {
  readonly caFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly tokenFile: string;
  readonly accountKeyFile: string;
  readonly adminToken: string;
}

function writeCredentials(folder: string): Credentials {
  const authority = createAuthority("stowage test cluster");
  const serving = authority.issue("kube-apiserver", ["localhost", "kubernetes"], ["127.0.0.1", "10.0.0.1"]);
  const accountKey = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const adminToken = randomBytes(16).toString("hex");
  mkdirSync(join(folder, "apiserver"));
  const write = (name: string, content: string): string => {
    writeFileSync(join(folder, name), content, { mode: 0o600 });
    return join(folder, name);
  };
  return {
    caFile: write("ca.pem", authority.certificatePem),
    certificateFile: write("server.pem", serving.certificatePem),
    keyFile: write("server.key", serving.privateKeyPem),
    tokenFile: write("tokens.csv", `${adminToken},admin,admin,system:masters\n`),
    // The form that kube-apiserver's key reader knows for elliptic curves.
    accountKeyFile: write("accounts.key", accountKey.export({ type: "sec1", format: "pem" }) as string),
    adminToken,
  };
}

interface KubeconfigContent {
  readonly server: string;
  readonly ca: string;
  readonly user: string;
  readonly token: string;
}

/** JSON is YAML, so every reader of kubeconfigs takes it. */
function writeKubeconfig(folder: string, { server, ca, user, token }: KubeconfigContent): string {
  const path = join(folder, `${user}.kubeconfig`);
  const content = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "test", cluster: { server, "certificate-authority-data": Buffer.from(ca).toString("base64") } }],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: "test", context: { cluster: "test", user } }],
    "current-context": "test",
  };
  writeFileSync(path, JSON.stringify(content, undefined, 2), { mode: 0o600 });
  return path;
}

interface ApiCall {
  readonly port: number;
  readonly ca: string;
  readonly token: string;
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string | undefined;
}

async function callApi({ port, ca, token, method, path, body, contentType }: ApiCall): Promise<ApiAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<ApiAnswer>();
  const text = body === undefined ? undefined : JSON.stringify(body);
  const headers = {
    authorization: `Bearer ${token}`,
    "content-type": contentType ?? "application/json",
    // Node leaves it out for DELETE, and the body is then not read.
    ...(text === undefined ? {} : { "content-length": Buffer.byteLength(text) }),
  };
  const outgoing = request({ host: "127.0.0.1", port, ca, method, path, headers, agent: false }, (incoming) => {
    let answer = "";
    incoming.setEncoding("utf8").on("data", (piece: string) => (answer += piece));
    incoming.on("error", reject);
    incoming.on("end", () => resolve({ status: incoming.statusCode ?? 0, body: parseAnswer(answer) }));
  });
  outgoing.on("error", reject);
  outgoing.end(text);
  return await promise;
}

function parseAnswer(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Health checks and some errors answer in plain words.
    return text;
  }
}
