// Why a Backup cannot be carried out at all, where nothing else says it. Another try would not help.
import type { Retry } from "../../platform/coded-error.ts";

const hints = {
  "already-stored": "give the Backup another name, or delete what is stored with a DeleteBackupRequest",
  "not-carried-out": "look at the server's log and at its memory limit, and create the Backup again",
  "policy-unusable": "correct the ConfigMap that spec.resourcePolicy names, and create the Backup again",
  "not-stored": "look at the BackupStorageLocation, and create the Backup again",
} as const;

export type BackupErrorCode = keyof typeof hints;

const brand = Symbol.for("stowage.BackupError");

export class BackupError extends Error {
  readonly code: BackupErrorCode;
  readonly details: Readonly<Record<string, string | number | boolean | undefined>> = {};
  readonly retry: Retry = "never";

  constructor(code: BackupErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "BackupError";
    this.code = code;
    Object.defineProperty(this, brand, { value: true });
  }

  /** True for errors of this class; with `code`, only for that code. */
  static is(error: unknown, code?: BackupErrorCode): error is BackupError {
    if (!(error instanceof Error && brand in error)) return false;
    return code === undefined || (error as unknown as BackupError).code === code;
  }

  get hint(): string {
    return hints[this.code];
  }
}
