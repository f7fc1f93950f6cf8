// What the command line says about the store: restic's variables and -o settings, as the engine's options.
import { readFile } from "node:fs/promises";
import type { StorageOptions } from "../../repo-format/index.ts";
import { type StoreKind, StoreSettings } from "./store-settings.ts";
import { UsageError } from "./usage-error.ts";

type S3 = NonNullable<StorageOptions["s3"]>;
type Variables = Readonly<Record<string, string | undefined>>;

export interface StoreChoices {
  readonly variables: Variables;
  /** Of the repository's location: each kind has settings of its own. */
  readonly kind: StoreKind;
  /** -o settings, keys in lower case. */
  readonly settings: Readonly<Record<string, string>>;
  /** Files with certificate authorities. */
  readonly caFiles: readonly string[];
  /** File with the certificate and the key that the store asks for. */
  readonly clientCertificateFile: string | undefined;
  readonly insecureTls: boolean;
  /** Undefined: the store's default. */
  readonly stallTimeoutMs: number | undefined;
  /** Make the directory or the bucket when it is absent. */
  readonly create: boolean;
  readonly clock: () => number;
}

/**
 * Collects the options of the store.
 * @throws UsageError for a setting that is unknown or malformed, or a certificate file that cannot be read.
 */
export async function storeOptions(choices: StoreChoices): Promise<StorageOptions> {
  const { variables, kind } = choices;
  const settings = new StoreSettings(kind, choices.settings);
  const connections = settings.count("connections", 1);
  const pem = await Promise.all(choices.caFiles.filter((file) => file !== "").map(readCertificates));
  const client = choices.clientCertificateFile;
  // 0 is restic's word for its default.
  const retries = settings.count("retries") || undefined;
  return {
    create: choices.create,
    ...(connections === undefined ? {} : { connections }),
    retry: { maxRetries: retries },
    s3: {
      region: settings.text("region") ?? variables.AWS_DEFAULT_REGION ?? variables.AWS_REGION,
      bucketLookup: settings.choice("bucket-lookup", ["auto", "dns", "path"]),
      storageClass: settings.text("storage-class"),
      listObjectsV1: settings.flag("list-objects-v1"),
      credentials: credentials(variables, settings.flag("unsafe-anonymous-auth")),
      ...(pem.length === 0 ? {} : { caCertificates: pem.join("\n") }),
      ...(client === undefined ? {} : { clientCertificate: await readCertificates(client) }),
      insecureSkipTlsVerify: choices.insecureTls,
      stallTimeoutMs: choices.stallTimeoutMs,
      clock: choices.clock,
    },
  };
}

async function readCertificates(file: string): Promise<string> {
  return readFile(file, "utf8").catch((cause: Error) => {
    throw new UsageError(`cannot read the certificate file ${file}: ${cause.message}`);
  });
}

/** Undefined leaves it to the SDK's own chain: web identity, containers, instance roles. */
function credentials(variables: Variables, anonymous: boolean): S3["credentials"] {
  if (anonymous) return { anonymous };
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, MINIO_ACCESS_KEY, MINIO_SECRET_KEY } = variables;
  const named = AWS_ACCESS_KEY_ID !== undefined || AWS_SECRET_ACCESS_KEY !== undefined;
  const profile = variables.AWS_PROFILE;
  const file = variables.AWS_SHARED_CREDENTIALS_FILE;
  const roleArn = variables.RESTIC_AWS_ASSUME_ROLE_ARN;
  const found = {
    accessKeyId: named ? AWS_ACCESS_KEY_ID : MINIO_ACCESS_KEY,
    secretAccessKey: named ? AWS_SECRET_ACCESS_KEY : MINIO_SECRET_KEY,
    sessionToken: variables.AWS_SESSION_TOKEN,
    sharedCredentialsFile: file,
    profile,
  };
  if (roleArn === undefined) return Object.values(found).every((value) => value === undefined) ? undefined : found;
  return {
    ...found,
    assumeRole: {
      roleArn,
      sessionName: variables.RESTIC_AWS_ASSUME_ROLE_SESSION_NAME,
      externalId: variables.RESTIC_AWS_ASSUME_ROLE_EXTERNAL_ID,
      policy: variables.RESTIC_AWS_ASSUME_ROLE_POLICY,
      region: variables.RESTIC_AWS_ASSUME_ROLE_REGION,
      stsEndpoint: variables.RESTIC_AWS_ASSUME_ROLE_STS_ENDPOINT,
    },
  };
}
