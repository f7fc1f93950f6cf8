// A real S3 server (versitygw) over a temporary directory: what lies in `dataFolder/BUCKET/KEY` is the object.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAuthority } from "./certificates.ts";
import { versitygwBinary } from "./peers.ts";
import { freePort, isListening, type RunningProcess, startProcess } from "./processes.ts";
import { makeTemporaryDirectory, removeDirectory } from "./temporary-directory.ts";

export interface S3ServerOptions {
  /** Created at the start; a name has at least three characters. Default ["bucket"]. */
  readonly buckets?: readonly string[];
  /** Serve https with a certificate of an authority that nobody trusts by default. */
  readonly tls?: boolean;
  /** Serve BUCKET.HOST as well, under this domain. */
  readonly virtualDomain?: string;
  /** Of this machine; default the loopback address. */
  readonly address?: string;
}

export interface S3Server {
  /** "http://127.0.0.1:PORT" (or the address that was asked for), or https. */
  readonly endpoint: string;
  readonly port: number;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** The two AWS_ variables that restic and ours read, and AWS_REGION. */
  readonly env: Readonly<Record<string, string>>;
  /** With tls: a file with the authority's certificate. */
  readonly caFile: string | undefined;
  readonly dataFolder: string;
  /** restic's way to write the location: s3:ENDPOINT/BUCKET[/PREFIX]. */
  location(bucket?: string, prefix?: string): string;
  /** Ends the server; the data stay, so that it can be started again. */
  halt(): Promise<void>;
  /** Starts it again on the same port. */
  resume(): Promise<void>;
  /** Stands still, as a store does that does not answer: connections stay, requests wait. */
  freeze(): void;
  /** Goes on, with the requests that wait. */
  thaw(): void;
  /** Ends the server and removes its data. */
  stop(): Promise<void>;
}

const accessKeyId = "stowage-test";
const secretAccessKey = "stowage-test-secret";
const region = "us-east-1";

export async function startS3Server(options: S3ServerOptions = {}): Promise<S3Server> {
  const folder = makeTemporaryDirectory("s3");
  const dataFolder = join(folder, "data");
  const [firstBucket = "bucket"] = options.buckets ?? [];
  // A directory at the top level is a bucket.
  for (const bucket of options.buckets ?? [firstBucket]) mkdirSync(join(dataFolder, bucket), { recursive: true });
  mkdirSync(join(folder, "metadata"));
  const { address = "127.0.0.1" } = options;
  const tls = options.tls === true ? writeCertificates(folder, options.virtualDomain) : undefined;
  const serverFlags = [
    ...(tls === undefined ? [] : ["--cert", tls.certificateFile, "--key", tls.keyFile]),
    ...(options.virtualDomain === undefined ? [] : ["--virtual-domain", options.virtualDomain]),
  ];
  const start = (port: number): Promise<RunningProcess> =>
    startProcess(versitygwBinary(), {
      name: "versitygw",
      // Metadata beside the data, because a temporary directory need not keep extended attributes.
      args: [
        "--port",
        `${address}:${port}`,
        "--quiet",
        ...serverFlags,
        "posix",
        "--sidecar",
        join(folder, "metadata"),
        dataFolder,
      ],
      env: { ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey, VGW_REGION: region },
      isReady: () => isListening(port, address),
    });
  let port = await freePort();
  let server = await start(port).catch(async () => {
    // Somebody else may have taken the port meanwhile.
    port = await freePort();
    return await start(port);
  });
  const endpoint = `${tls === undefined ? "http" : "https"}://${address}:${port}`;
  return {
    endpoint,
    port,
    region,
    accessKeyId,
    secretAccessKey,
    env: { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_REGION: region },
    caFile: tls?.caFile,
    dataFolder,
    location: (bucket = firstBucket, prefix = "") => `s3:${endpoint}/${bucket}${prefix === "" ? "" : `/${prefix}`}`,
    halt: async () => void (await server.stop(2000)),
    resume: async () => {
      server = await start(port);
    },
    freeze: () => server.signal("SIGSTOP"),
    thaw: () => server.signal("SIGCONT"),
    stop: async () => {
      await server.stop(2000);
      removeDirectory(folder);
    },
  };
}

interface TlsFiles {
  readonly caFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
}

function writeCertificates(folder: string, virtualDomain: string | undefined): TlsFiles {
  const authority = createAuthority("stowage test authority");
  const domains = virtualDomain === undefined ? [] : [virtualDomain, `*.${virtualDomain}`];
  const { certificatePem, privateKeyPem } = authority.issue("s3", ["localhost", ...domains], ["127.0.0.1"]);
  const files = {
    caFile: join(folder, "ca.pem"),
    certificateFile: join(folder, "server.pem"),
    keyFile: join(folder, "server.key"),
  };
  writeFileSync(files.caFile, authority.certificatePem);
  writeFileSync(files.certificateFile, certificatePem);
  writeFileSync(files.keyFile, privateKeyPem, { mode: 0o600 });
  return files;
}
