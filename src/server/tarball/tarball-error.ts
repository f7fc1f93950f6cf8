// What can be wrong with the tarball of a Backup. It comes from a bucket, so nothing in it is believed.

import { messageOf, type Retry } from "../../platform/coded-error.ts";

interface TarballErrorPolicy {
  readonly retry: Retry;
  readonly hint: string;
}

export type TarballErrorCode =
  | "tarball-damaged"
  | "tarball-too-large"
  | "version-unknown"
  | "path-unsafe"
  | "item-unreadable"
  | "scratch-unusable";

const policies: Readonly<Record<TarballErrorCode, TarballErrorPolicy>> = {
  "tarball-damaged": {
    retry: "never",
    hint: "the file in the bucket is not what a backup wrote; restore another Backup",
  },
  "tarball-too-large": { retry: "never", hint: "the tarball unpacks to more than this server accepts" },
  "version-unknown": { retry: "never", hint: "the backup has a format that this server does not know" },
  "path-unsafe": { retry: "never", hint: "the file in the bucket is not what a backup wrote; restore another Backup" },
  "item-unreadable": { retry: "never", hint: "look at the item in the tarball: velero backup download" },
  "scratch-unusable": {
    retry: "backoff",
    hint: "give the server's scratch folder more space, or another one (--scratch-dir)",
  },
};

const brand = Symbol.for("stowage.TarballError");

export class TarballError extends Error {
  readonly code: TarballErrorCode;
  readonly details: Readonly<Record<string, string | number | boolean | undefined>>;

  constructor(
    code: TarballErrorCode,
    message: string,
    options: { readonly details?: TarballError["details"]; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "TarballError";
    this.code = code;
    this.details = options.details ?? {};
    Object.defineProperty(this, brand, { value: true });
  }

  /** True for errors of this class; with `code`, only for that code. */
  static is(error: unknown, code?: TarballErrorCode): error is TarballError {
    if (!(error instanceof Error && brand in error)) return false;
    return code === undefined || (error as unknown as TarballError).code === code;
  }

  get retry(): Retry {
    return policies[this.code].retry;
  }

  get hint(): string {
    return policies[this.code].hint;
  }
}

/** For a failed call on a file of the scratch folder. */
export function scratchUnusable(what: string, cause: unknown): TarballError {
  return new TarballError("scratch-unusable", `cannot use ${what}: ${messageOf(cause)}`, { cause });
}
