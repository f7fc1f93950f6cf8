// The environment of the command line: restic's variables and their STOWAGE_ twins, which win. Flags win over both.

/** What the environment says, as text; undefined where it says nothing. */
export interface CliEnvironment {
  readonly repository: string | undefined;
  readonly repositoryFile: string | undefined;
  readonly password: string | undefined;
  readonly passwordFile: string | undefined;
  readonly passwordCommand: string | undefined;
  readonly keyHint: string | undefined;
  readonly compression: string | undefined;
  readonly packSize: string | undefined;
  readonly readConcurrency: string | undefined;
  readonly host: string | undefined;
  readonly progressFps: number | undefined;
  readonly ignoreCtime: boolean;
  readonly ignoreInode: boolean;
  readonly caCertificates: string | undefined;
  /** Every variable, for credentials of the store and for `$VAR` in exclude files. */
  readonly all: Readonly<Record<string, string | undefined>>;
}

/** Reads the variables once, at start. */
export function readCliEnvironment(env: NodeJS.ProcessEnv): CliEnvironment {
  const value = (name: string): string | undefined => {
    const found = env[`STOWAGE_${name}`] ?? env[`RESTIC_${name}`];
    return found === undefined || found === "" ? undefined : found;
  };
  const flag = (name: string): boolean => /^(1|t|true|y|yes|on)$/i.test(value(name) ?? "");
  const framesPerSecond = Number(value("PROGRESS_FPS"));
  return {
    repository: value("REPOSITORY"),
    repositoryFile: value("REPOSITORY_FILE"),
    password: value("PASSWORD"),
    passwordFile: value("PASSWORD_FILE"),
    passwordCommand: value("PASSWORD_COMMAND"),
    keyHint: value("KEY_HINT"),
    compression: value("COMPRESSION"),
    packSize: value("PACK_SIZE"),
    readConcurrency: value("READ_CONCURRENCY"),
    host: value("HOST"),
    progressFps: framesPerSecond > 0 && framesPerSecond <= 60 ? framesPerSecond : undefined,
    ignoreCtime: flag("IGNORE_CTIME"),
    ignoreInode: flag("IGNORE_INODE"),
    caCertificates: value("CACERT"),
    all: env,
  };
}
