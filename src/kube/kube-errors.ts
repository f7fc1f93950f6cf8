// Every failure of a call to the API server: one class, codes by what the caller may do.

import type { Retry } from "../platform/coded-error.ts";

interface KubeErrorPolicy {
  readonly retry: Retry;
  readonly hint: string;
}

export type KubeErrorCode =
  | "not-found"
  | "already-exists"
  | "conflict"
  | "forbidden"
  | "unauthorized"
  | "invalid"
  | "gone"
  | "no-such-resource"
  | "unavailable"
  | "timed-out"
  | "exec-failed"
  | "cancelled";

const policies: Readonly<Record<KubeErrorCode, KubeErrorPolicy>> = {
  "not-found": { retry: "never", hint: "the object does not exist (any more)" },
  "already-exists": { retry: "never", hint: "an object of this name is there already" },
  conflict: { retry: "after-refresh", hint: "somebody else changed the object; read it again" },
  forbidden: { retry: "backoff", hint: "check the RBAC rules of the service account (manifests/rbac)" },
  unauthorized: { retry: "backoff", hint: "check the credentials in the kubeconfig, or the service account's token" },
  invalid: { retry: "never", hint: "the API server refused the object; compare it with the installed CRD" },
  gone: { retry: "after-refresh", hint: "the resource version is too old; list again" },
  "no-such-resource": { retry: "backoff", hint: "install the CRDs (manifests/crds)" },
  unavailable: { retry: "backoff", hint: "check that the API server can be reached" },
  "exec-failed": { retry: "never", hint: "check that the container has the program that the command names" },
  "timed-out": { retry: "never", hint: "give the command more time" },
  cancelled: { retry: "never", hint: "the process is ending" },
};
type KubeErrorDetails = Readonly<Record<string, string | number | boolean | undefined>>;

const brand = Symbol.for("stowage.KubeError");

export class KubeError extends Error {
  readonly code: KubeErrorCode;
  readonly details: KubeErrorDetails;

  constructor(code: KubeErrorCode, message: string, options: { details?: KubeErrorDetails; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "KubeError";
    this.code = code;
    this.details = options.details ?? {};
    Object.defineProperty(this, brand, { value: true });
  }

  /** True for errors of this class; with `code`, only for that code. */
  static is(error: unknown, code?: KubeErrorCode): error is KubeError {
    if (!(error instanceof Error && brand in error)) return false;
    return code === undefined || (error as unknown as KubeError).code === code;
  }

  get retry(): Retry {
    return policies[this.code].retry;
  }

  get hint(): string {
    return policies[this.code].hint;
  }

  /** Seconds that the server asked to wait (429, 503), if it did. */
  get retryAfterSeconds(): number | undefined {
    const seconds = this.details.retryAfterSeconds;
    return typeof seconds === "number" ? seconds : undefined;
  }
}

/** metav1.Status, what the API server answers when it refuses. */
export interface ApiStatus {
  readonly kind?: string;
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
  readonly details?: { readonly name?: string; readonly retryAfterSeconds?: number };
}

/** The error for an answer with an HTTP status of 400 or more. `action` reads like "get podvolumebackups velero/x". */
export function errorOfStatus(httpStatus: number, status: ApiStatus, action: string): KubeError {
  const said = status.message ?? `HTTP status ${httpStatus}`;
  return new KubeError(codeOf(httpStatus, status), `cannot ${action}: ${said}`, {
    details: { action, httpStatus, reason: status.reason, retryAfterSeconds: status.details?.retryAfterSeconds },
  });
}

function codeOf(httpStatus: number, status: ApiStatus): KubeErrorCode {
  switch (httpStatus) {
    case 401:
      return "unauthorized";
    case 403:
      return "forbidden";
    case 404:
      // Without details.name it is the path that does not exist: the CRD is not installed (yet).
      return status.details?.name === undefined ? "no-such-resource" : "not-found";
    case 409:
      return status.reason === "AlreadyExists" ? "already-exists" : "conflict";
    case 410:
      return "gone";
    case 400:
    case 405:
    case 413:
    case 415:
    case 422:
      return "invalid";
    default:
      return "unavailable";
  }
}
