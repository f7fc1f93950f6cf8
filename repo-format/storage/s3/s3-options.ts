// What has to be known to talk to a bucket. Nothing here is read from the environment: the callers collect that.

/** Where the keys that sign requests come from, tried in this order; the first that is given is used. */
export interface S3CredentialSettings {
  /** No signature at all, for public buckets. */
  readonly anonymous?: boolean | undefined;
  /** Half a pair is an error. */
  readonly accessKeyId?: string | undefined;
  readonly secretAccessKey?: string | undefined;
  readonly sessionToken?: string | undefined;
  /** The text of an AWS shared credentials file, e.g. from a Kubernetes Secret. */
  readonly sharedCredentials?: string | undefined;
  /** Path of an AWS shared credentials file. */
  readonly sharedCredentialsFile?: string | undefined;
  /** Section of the shared credentials; "default" when absent. Given alone, it means the SDK's own places of the file. */
  readonly profile?: string | undefined;
  /** A role to take on with the credentials found (restic's RESTIC_AWS_ASSUME_ROLE_*). */
  readonly assumeRole?: AssumeRoleSettings | undefined;
}

export interface AssumeRoleSettings {
  readonly roleArn: string;
  readonly sessionName?: string | undefined;
  readonly externalId?: string | undefined;
  readonly policy?: string | undefined;
  readonly region?: string | undefined;
  readonly stsEndpoint?: string | undefined;
}

/** "auto": virtual-host style on Amazon's own endpoints, path style elsewhere. */
export type BucketLookup = "auto" | "dns" | "path";

/** How to connect: the same for every bucket of a store. */
export interface S3ConnectionOptions {
  /** Default: taken from an Amazon endpoint, else us-east-1; corrected when the store names another one. */
  readonly region?: string | undefined;
  readonly bucketLookup?: BucketLookup | undefined;
  /** Absent: the SDK's default chain (environment, files, web identity, container, instance). */
  readonly credentials?: S3CredentialSettings | undefined;
  /** PEM text, one or several certificates; replaces the system's, as restic's --cacert does. */
  readonly caCertificates?: string | undefined;
  readonly insecureSkipTlsVerify?: boolean | undefined;
  /** PEM text with certificate and key (restic's --tls-client-cert). */
  readonly clientCertificate?: string | undefined;
  /** For data packs only: locks, indexes, snapshots and tree packs are read too often for the cheaper classes. */
  readonly storageClass?: string | undefined;
  /** List by the first version of the request, for stores that do not know the second. */
  readonly listObjectsV1?: boolean | undefined;
  /** "https://host[:port]" that signed URLs lead to, where others reach the store by another name than we do. */
  readonly publicEndpoint?: string | undefined;
  /** Default 5, as in restic. */
  readonly connections?: number | undefined;
  /** `prepare` makes the bucket when it does not exist. */
  readonly createBucket?: boolean | undefined;
  /** Default 10 s. */
  readonly connectTimeoutMs?: number | undefined;
  /** A request that moves no byte for so long is given up; default 5 min, as in restic. */
  readonly stallTimeoutMs?: number | undefined;
  /** Milliseconds since the epoch; needed for `clockOffsetMs`. */
  readonly clock?: (() => number) | undefined;
}

export interface S3Options extends S3ConnectionOptions {
  /** "https://host[:port]" or "http://host[:port]". */
  readonly endpoint: string;
  readonly bucket: string;
  /** "" or "a/b": no slash at either end. */
  readonly prefix: string;
}
