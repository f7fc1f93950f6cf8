// What every command on a cluster gets: the client for the cluster that the flags name, the namespace, where to write, when to
// stop, and how to ask a person.
import { defaultVeleroNamespace } from "../../api/names.ts";
import { connectToCluster } from "../../kube/kube-connection.ts";
import { TypedClient } from "../../kube/typed-client.ts";
import type { Clock } from "../../platform/clock.ts";
import type { ClusterEnvironment } from "../cli-config.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import type { Output } from "../output/output.ts";
import type { ClusterFlags } from "./cluster-options.ts";

/** What a command runs in. */
export interface ClusterRuntime {
  readonly output: Output;
  readonly environment: ClusterEnvironment;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Asks a question and gives the line that was answered; undefined when nobody can answer. */
  readonly ask: (question: string) => Promise<string | undefined>;
}

export class ClusterContext {
  readonly output: Output;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly ask: ClusterRuntime["ask"];
  readonly #environment: ClusterEnvironment;
  #flags: ClusterFlags = {};
  #client: TypedClient | undefined;
  #server: string | undefined;
  #failure: { readonly code: ExitCode; readonly message: string } | undefined;
  /** What a person who interrupts the command now should know, such as that the Backup goes on without it. */
  afterInterruption = "nothing is lost; run the same command again";

  constructor(runtime: ClusterRuntime) {
    this.output = runtime.output;
    this.signal = runtime.signal;
    this.clock = runtime.clock;
    this.ask = runtime.ask;
    this.#environment = runtime.environment;
  }

  /** Takes over the flags of every command; runs before each verb. */
  begin(flags: ClusterFlags): void {
    this.#flags = flags;
    this.output.configure({ json: false, quiet: false, verbosity: flags.verbose === true ? 1 : 0 });
  }

  /** The namespace of the server and of all resources that these commands read and make. */
  get namespace(): string {
    return this.#flags.namespace ?? this.#environment.namespace ?? defaultVeleroNamespace;
  }

  /** Made when it is first used: help and wrong flags need no cluster. @throws ConfigError for an unusable kubeconfig */
  get client(): TypedClient {
    if (this.#client === undefined) {
      const connection = connectToCluster(this.#flags.kubeconfig, this.#flags.kubecontext);
      this.#server = connection.server;
      this.#client = new TypedClient({ connection, clock: this.clock });
    }
    return this.#client;
  }

  /** Address of the API server, once the client was used. */
  get server(): string | undefined {
    return this.#server;
  }

  /** An address in the namespace. */
  address(name: string): { readonly namespace: string; readonly name: string } {
    return { namespace: this.namespace, name };
  }

  /** Milliseconds since the epoch. */
  now(): number {
    return this.clock.now();
  }

  /** A command that ran to its end and has not done all that was asked: the first such word is said last. */
  fail(code: ExitCode, message: string): void {
    this.#failure ??= { code, message };
  }

  /** Says the last word of a command that ran to its end. @returns the exit code */
  conclude(): ExitCode {
    if (this.#failure === undefined) return exitCodes.success;
    this.output.fatal(this.#failure.message, this.#failure.code);
    return this.#failure.code;
  }
}
