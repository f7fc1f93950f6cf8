// Turns credential settings into the provider that the SDK asks before it signs a request.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromIni, fromNodeProviderChain, fromTemporaryCredentials } from "@aws-sdk/credential-providers";
import { RepositoryError } from "../../errors.ts";
import type { AssumeRoleSettings, S3CredentialSettings } from "./s3-options.ts";

/** What a request is signed with. */
export interface S3Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

export type S3KeysProvider = () => Promise<S3Keys>;

/** @throws RepositoryError "storage-misconfigured" for half a key pair. */
export function credentialsProvider(settings: S3CredentialSettings, region: string): S3KeysProvider {
  const base = baseProvider(settings);
  return settings.assumeRole === undefined ? base : assumeRole(base, settings.assumeRole, region);
}

function baseProvider(settings: S3CredentialSettings): S3KeysProvider {
  const fixed = staticKeys(settings);
  if (fixed !== undefined) return () => Promise.resolve(fixed);
  const { sharedCredentials, sharedCredentialsFile, profile } = settings;
  if (sharedCredentials !== undefined) return fromCredentialsText(sharedCredentials, profile ?? "default");
  if (sharedCredentialsFile !== undefined || profile !== undefined) {
    const filepath = sharedCredentialsFile === undefined ? {} : { filepath: sharedCredentialsFile };
    return () => fromIni({ ...filepath, profile: profile ?? "default", ignoreCache: true })();
  }
  return fromNodeProviderChain();
}

function staticKeys(settings: S3CredentialSettings): S3Keys | undefined {
  const { accessKeyId = "", secretAccessKey = "", sessionToken = "" } = settings;
  if (accessKeyId === "" && secretAccessKey === "") return undefined;
  if (accessKeyId === "" || secretAccessKey === "") {
    const missing = accessKeyId === "" ? "access key id" : "secret access key";
    throw new RepositoryError("storage-misconfigured", `the ${missing} of the S3 credentials is missing`);
  }
  return { accessKeyId, secretAccessKey, ...(sessionToken === "" ? {} : { sessionToken }) };
}

/** Fixed keys are taken from the text; anything cleverer (a role, a process) is left to the SDK, which wants a file. */
function fromCredentialsText(text: string, profile: string): S3KeysProvider {
  const section = readSection(text, profile);
  const fixed = staticKeys({
    accessKeyId: section.get("aws_access_key_id"),
    secretAccessKey: section.get("aws_secret_access_key"),
    sessionToken: section.get("aws_session_token"),
  });
  if (fixed !== undefined) return () => Promise.resolve(fixed);
  if (section.size === 0) {
    throw new RepositoryError("storage-misconfigured", `the S3 credentials have no section [${profile}]`);
  }
  return () => withTemporaryFile(text, (filepath) => fromIni({ filepath, profile, ignoreCache: true })());
}

function readSection(text: string, profile: string): Map<string, string> {
  const section = new Map<string, string>();
  let isWanted = false;
  for (const line of text.split(/\r?\n/)) {
    const header = /^\s*\[\s*(?:profile\s+)?["']?([^\]"']+?)["']?\s*\]/.exec(line);
    if (header !== null) isWanted = header[1] === profile;
    const pair = /^\s*([A-Za-z_][\w-]*)\s*=\s*(.*?)\s*$/.exec(line);
    if (isWanted && pair?.[1] !== undefined && pair[2] !== undefined) section.set(pair[1].toLowerCase(), pair[2]);
  }
  return section;
}

/** The secret lies on disk, readable by us alone, only while the SDK reads it. */
async function withTemporaryFile<T>(text: string, use: (path: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "stowage-credentials-"));
  try {
    const path = join(directory, "credentials");
    await writeFile(path, text, { mode: 0o600 });
    return await use(path);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function assumeRole(base: S3KeysProvider, role: AssumeRoleSettings, region: string): S3KeysProvider {
  return fromTemporaryCredentials({
    masterCredentials: base,
    params: {
      RoleArn: role.roleArn,
      RoleSessionName: role.sessionName ?? "stowage",
      ...(role.externalId === undefined ? {} : { ExternalId: role.externalId }),
      ...(role.policy === undefined ? {} : { Policy: role.policy }),
    },
    clientConfig: {
      region: role.region ?? region,
      ...(role.stsEndpoint === undefined ? {} : { endpoint: role.stsEndpoint }),
    },
  });
}
