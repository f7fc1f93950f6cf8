// How to reach the API server: the client library reads the kubeconfig or the pod's service account and gives the
// headers, certificates and agent of every request. The only file that knows the library.

import type { Agent, RequestOptions } from "node:https";
import { KubeConfig } from "@kubernetes/client-node";
import { messageOf } from "../platform/coded-error.ts";
import { ConfigError } from "../platform/config-error.ts";

export interface KubeConnection {
  /** Base address without a trailing slash. */
  readonly server: string;
  /** Namespace of the service account or of the kubeconfig's context. */
  readonly namespace: string | undefined;
  /** Credentials for one request; read anew each time, because tokens are rotated. */
  requestOptions(): Promise<RequestOptions>;
}

/**
 * @param kubeconfigPath absent: the pod's service account, or outside of a pod $KUBECONFIG and ~/.kube/config.
 * @param context one of the kubeconfig's; absent: its current one.
 * @throws ConfigError "kubeconfig-unusable"
 */
export function connectToCluster(kubeconfigPath?: string, context?: string): KubeConnection {
  const config = new KubeConfig();
  try {
    if (kubeconfigPath !== undefined) config.loadFromFile(kubeconfigPath);
    else config.loadFromDefault();
  } catch (error) {
    const where = kubeconfigPath ?? "the default kubeconfig";
    throw new ConfigError("kubeconfig-unusable", `cannot use ${where}: ${messageOf(error)}`);
  }
  if (context !== undefined) choose(config, context);
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) {
    throw new ConfigError("kubeconfig-unusable", "the kubeconfig has no cluster for its current context");
  }
  return {
    server: server.replace(/\/+$/, ""),
    namespace: config.getContextObject(config.getCurrentContext())?.namespace,
    requestOptions: async () => {
      const options: RequestOptions = {};
      await config.applyToHTTPSOptions(options);
      // The library builds its agents without keep-alive; a TLS handshake per request would cost more than the request.
      const agent = options.agent as (Agent & { keepAlive?: boolean }) | undefined;
      if (agent?.keepAlive === false) Object.assign(agent, { keepAlive: true });
      return options;
    },
  };
}

function choose(config: KubeConfig, context: string): void {
  const names = config.getContexts().map(({ name }) => name);
  if (!names.includes(context)) {
    const there = names.length === 0 ? "it has none" : `it has ${names.join(", ")}`;
    throw new ConfigError("kubeconfig-unusable", `the kubeconfig has no context ${JSON.stringify(context)}; ${there}`);
  }
  config.setCurrentContext(context);
}
