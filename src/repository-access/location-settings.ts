// What the engine needs to know to reach a BackupStorageLocation's store: its config and the Secrets it names.
import type { StorageOptions } from "../../repo-format/index.ts";
import type { BackupStorageLocation } from "../api/backup-storage-location.ts";
import type { SecretKeySelector } from "../api/kube-object.ts";
import { repositoryPasswordSecret } from "../api/names.ts";
import { secrets } from "../api/resources.ts";
import type { TypedClient } from "../kube/typed-client.ts";
import { ConfigError } from "../platform/config-error.ts";

type S3Settings = NonNullable<StorageOptions["s3"]>;

/** Reads Secrets of one namespace; every value read is reported first, so that it never gets into a log. */
export interface SecretReader {
  readonly client: Pick<TypedClient, "find">;
  readonly namespace: string;
  readonly onSecret?: ((value: string) => void) | undefined;
}

/**
 * Without `spec.credential` and `profile` the SDK's default chain decides: AWS_SHARED_CREDENTIALS_FILE, keys in the
 * environment, web identity, instance role.
 * @throws ConfigError "secret-unusable", KubeError
 */
export async function s3Settings(
  location: BackupStorageLocation,
  reader: SecretReader,
  signal: AbortSignal | undefined,
): Promise<S3Settings> {
  const { config = {}, credential, objectStorage } = location.spec;
  const text = credential === undefined ? undefined : await readSecret(reader, credential, signal);
  const { caCertRef } = objectStorage;
  const caFromSecret = caCertRef === undefined ? undefined : await readSecret(reader, caCertRef, signal);
  const caCertificates = caFromSecret ?? decodeBase64(objectStorage.caCert);
  return {
    region: nonEmpty(config.region),
    bucketLookup: config.s3ForcePathStyle === "true" ? "path" : "auto",
    publicEndpoint: nonEmpty(config.publicUrl),
    insecureSkipTlsVerify: config.insecureSkipTLSVerify === "true",
    ...(caCertificates === undefined ? {} : { caCertificates }),
    credentials: {
      sharedCredentials: text,
      sharedCredentialsFile: nonEmpty(config.credentialsFile),
      profile: nonEmpty(config.profile),
    },
  };
}

/** The password of all repositories. @throws ConfigError "secret-unusable", KubeError */
export async function repositoryPassword(reader: SecretReader, signal: AbortSignal | undefined): Promise<string> {
  const selector = { ...repositoryPasswordSecret, optional: false };
  // Surrounding white space goes, as when restic reads a password file.
  const password = (await readSecret(reader, selector, signal))?.trim() ?? "";
  if (password !== "") return password;
  throw secretUnusable(reader, selector, "is empty");
}

async function readSecret(
  reader: SecretReader,
  selector: SecretKeySelector,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const { name = "", key, optional = false } = selector;
  const secret = await reader.client.find(secrets, { namespace: reader.namespace, name }, { signal });
  const text = decodeBase64(secret?.data?.[key]);
  if (text !== undefined) {
    for (const value of [text, ...valuesIn(text)]) reader.onSecret?.(value);
    return text;
  }
  if (optional) return undefined;
  throw secretUnusable(reader, selector, secret === undefined ? "does not exist" : "has no such key");
}

/** The values of "name = value" lines: a shared credentials file is secret as a whole and line by line. */
function valuesIn(text: string): string[] {
  return [...text.matchAll(/^\s*[\w-]*(?:secret|token|key)[\w-]*\s*=\s*(.+?)\s*$/gim)].flatMap(
    ([, value]) => value ?? [],
  );
}

function secretUnusable({ namespace }: SecretReader, selector: SecretKeySelector, problem: string): ConfigError {
  const { name = "", key } = selector;
  return new ConfigError("secret-unusable", `the Secret ${namespace}/${name} (key ${key}) ${problem}`, { name, key });
}

function decodeBase64(text: string | undefined): string | undefined {
  return text === undefined || text === "" ? undefined : Buffer.from(text, "base64").toString("utf8");
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
