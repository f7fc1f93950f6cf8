// A setting (flag, environment variable, ConfigMap, kubeconfig) that cannot be used. It ends the process at its start.

import type { Retry } from "./coded-error.ts";

type ConfigErrorCode =
  | "flag-unknown"
  | "flag-invalid"
  | "environment-missing"
  | "kubeconfig-unusable"
  | "config-map-invalid"
  | "host-pods-mismatch"
  | "storage-location-unusable"
  | "secret-unusable"
  | "address-unusable";

const policies: Readonly<Record<ConfigErrorCode, string>> = {
  "flag-unknown": "see --help for the flags of this command",
  "flag-invalid": "see --help for the values that the flag takes",
  "environment-missing": "set the environment variable, in the pod through the downward API",
  "kubeconfig-unusable": "give --kubeconfig, or run in a pod with a service account",
  "config-map-invalid": "correct the ConfigMap: one data key that holds a JSON object",
  "host-pods-mismatch": "mount <kubelet root>/pods of the host at the path that --host-pods-dir names",
  "storage-location-unusable": "correct the BackupStorageLocation",
  "secret-unusable": "create the Secret in the namespace that this program runs in, with that key",
  "address-unusable": "give another address, for example 127.0.0.1:0",
};

export class ConfigError extends Error {
  readonly code: ConfigErrorCode;
  readonly details: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly retry: Retry = "never";

  constructor(code: ConfigErrorCode, message: string, details: ConfigError["details"] = {}) {
    super(message);
    this.name = "ConfigError";
    this.code = code;
    this.details = details;
  }

  get hint(): string {
    return policies[this.code];
  }
}
