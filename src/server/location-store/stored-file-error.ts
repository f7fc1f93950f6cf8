// A file of a storage location that is not what it should be.
import type { Retry } from "../../platform/coded-error.ts";

type StoredFileErrorCode = "stored-file-malformed" | "stored-file-too-large";

const hints: Readonly<Record<StoredFileErrorCode, string>> = {
  "stored-file-malformed": "the file in the storage location is damaged, or another program has put it there",
  "stored-file-too-large":
    "the file in the storage location is larger than any that Velero or Stowage writes; look at it",
};

export class StoredFileError extends Error {
  readonly code: StoredFileErrorCode;
  readonly details: Readonly<Record<string, string>>;
  readonly retry: Retry = "never";

  constructor(code: StoredFileErrorCode, message: string, options: { key: string; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.name = "StoredFileError";
    this.code = code;
    this.details = { key: options.key };
  }

  get hint(): string {
    return hints[this.code];
  }
}
