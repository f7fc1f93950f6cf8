// The environment of the command line: restic's variables and their STOWAGE_ twins, which win. Flags win over both.

/** Which repository, and what opens it. */
export interface RepositoryVariables {
  readonly repository: string | undefined;
  readonly repositoryFile: string | undefined;
  readonly password: string | undefined;
  readonly passwordFile: string | undefined;
  readonly passwordCommand: string | undefined;
  readonly keyHint: string | undefined;
}

/** What the environment says, as text; undefined where it says nothing. */
export interface CliEnvironment extends RepositoryVariables {
  /** The other repository of `copy` and `init`: the variables with FROM_ in their names. */
  readonly from: RepositoryVariables;
  readonly compression: string | undefined;
  readonly packSize: string | undefined;
  readonly readConcurrency: string | undefined;
  readonly threads: string | undefined;
  readonly host: string | undefined;
  readonly progressFps: number | undefined;
  readonly ignoreCtime: boolean;
  readonly ignoreInode: boolean;
  readonly caCertificates: string | undefined;
  readonly tlsClientCertificate: string | undefined;
  readonly retryLock: string | undefined;
  readonly cacheDirectory: string | undefined;
  readonly noCache: boolean;
  /** Every variable, for credentials of the store and for `$VAR` in exclude files. */
  readonly all: Readonly<Record<string, string | undefined>>;
}

/** Reads the variables once, at start. */
export function readCliEnvironment(env: NodeJS.ProcessEnv): CliEnvironment {
  const value = (name: string): string | undefined => text(env[`STOWAGE_${name}`]) ?? text(env[`RESTIC_${name}`]);
  const flag = (name: string): boolean => /^(1|t|true|y|yes|on)$/i.test(value(name) ?? "");
  const framesPerSecond = Number(value("PROGRESS_FPS"));
  return {
    ...repositoryVariables(env, ""),
    from: repositoryVariables(env, "FROM_"),
    compression: value("COMPRESSION"),
    packSize: value("PACK_SIZE"),
    readConcurrency: value("READ_CONCURRENCY"),
    threads: text(env.STOWAGE_THREADS),
    host: value("HOST"),
    progressFps: framesPerSecond > 0 ? Math.min(60, framesPerSecond) : undefined,
    ignoreCtime: flag("IGNORE_CTIME"),
    ignoreInode: flag("IGNORE_INODE"),
    caCertificates: value("CACERT"),
    tlsClientCertificate: value("TLS_CLIENT_CERT"),
    retryLock: text(env.STOWAGE_RETRY_LOCK),
    cacheDirectory: value("CACHE_DIR"),
    noCache: flag("NO_CACHE"),
    all: env,
  };
}

/** What the commands on a cluster read. The kubeconfig's variable, KUBECONFIG, is read where the kubeconfig is. */
export interface ClusterEnvironment {
  /** Where the server and its resources live. */
  readonly namespace: string | undefined;
}

export function readClusterEnvironment(env: NodeJS.ProcessEnv): ClusterEnvironment {
  return { namespace: text(env.STOWAGE_NAMESPACE) ?? text(env.VELERO_NAMESPACE) };
}

/** @param part of the names: "" or "FROM_". */
function repositoryVariables(env: NodeJS.ProcessEnv, part: "" | "FROM_"): RepositoryVariables {
  // Of variables that stand for one thing a single twin replaces all of restic's.
  const oneOf = (names: readonly string[]): ((name: string) => string | undefined) => {
    const isTwin = names.some((name) => text(env[`STOWAGE_${part}${name}`]) !== undefined);
    const prefix = isTwin ? "STOWAGE_" : "RESTIC_";
    return (name) => text(env[prefix + part + name]);
  };
  const repository = oneOf(["REPOSITORY", "REPOSITORY_FILE"]);
  const password = oneOf(["PASSWORD", "PASSWORD_FILE", "PASSWORD_COMMAND"]);
  return {
    repository: repository("REPOSITORY"),
    repositoryFile: repository("REPOSITORY_FILE"),
    password: password("PASSWORD"),
    passwordFile: password("PASSWORD_FILE"),
    passwordCommand: password("PASSWORD_COMMAND"),
    keyHint: oneOf(["KEY_HINT"])("KEY_HINT"),
  };
}

/** An empty variable says nothing. */
function text(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}
