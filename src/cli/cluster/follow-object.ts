// Follows objects of the cluster until something is so: what --wait, and every request to the server, waits with.
import type { KubeObject, Resource } from "../../api/kube-object.ts";
import { Informer } from "../../kube/informer.ts";
import type { Logger } from "../../platform/logger.ts";
import type { ClusterContext } from "./cluster-context.ts";

export interface FollowOptions<T extends KubeObject> {
  readonly resource: Resource<T>;
  readonly name: string;
  /** Asked at each change; true ends the wait. */
  readonly isDone: (object: T) => boolean;
  /** Told of every state, the first and the last included. */
  readonly onChange?: (object: T) => void;
  /** Ends the wait as if nothing had been found; absent: no limit. */
  readonly timeoutMs?: number;
}

/** How a wait ended: with the object as wanted, because it is gone, or because time is up. */
export type FollowEnd<T> =
  | { readonly as: "done"; readonly object: T }
  | { readonly as: "deleted" }
  | { readonly as: "timeout"; readonly object: T | undefined };

/** @throws the signal's reason when the command is interrupted */
export async function followObject<T extends KubeObject>(
  context: ClusterContext,
  { resource, name, isDone, onChange, timeoutMs }: FollowOptions<T>,
): Promise<FollowEnd<T>> {
  const ending = Promise.withResolvers<FollowEnd<T>>();
  const { namespace, clock } = context;
  const informer = informerOf(context, resource, { fieldSelector: `metadata.name=${name}` });
  const look = (object: T | undefined): void => {
    if (object !== undefined) onChange?.(object);
    if (object === undefined) ending.resolve({ as: "deleted" });
    else if (isDone(object)) ending.resolve({ as: "done", object });
  };
  informer.onChange(() => look(informer.get(namespace, name)));
  const cancel =
    timeoutMs === undefined
      ? undefined
      : clock.after(timeoutMs, () => ending.resolve({ as: "timeout", object: informer.get(namespace, name) }));
  try {
    return await whileRunning(context, [informer], async () => {
      await informer.synced;
      // An empty first list changes nothing, and so calls nobody.
      if (informer.get(namespace, name) === undefined) ending.resolve({ as: "deleted" });
      return ending.promise;
    });
  } finally {
    cancel?.();
  }
}

/** Objects of one kind in the server's namespace. */
export function informerOf<T extends KubeObject>(
  context: ClusterContext,
  resource: Resource<T>,
  selection: { readonly labelSelector?: string; readonly fieldSelector?: string },
): Informer<T> {
  const { client, namespace, clock } = context;
  return new Informer<T>({ client, resource, namespace, ...selection, clock, log: logOf(context) });
}

/** Runs these informers until `work` ends, or the command is interrupted. */
export async function whileRunning<R>(
  context: ClusterContext,
  informers: readonly Pick<Informer<KubeObject>, "run">[],
  work: () => Promise<R>,
): Promise<R> {
  const own = new AbortController();
  const signal = AbortSignal.any([own.signal, context.signal]);
  const interrupted = Promise.withResolvers<never>();
  const onAbort = (): void => interrupted.reject(context.signal.reason);
  // Nobody waits for it when the work ends first.
  interrupted.promise.catch(() => undefined);
  if (context.signal.aborted) onAbort();
  else context.signal.addEventListener("abort", onAbort, { once: true });
  const running = informers.map((informer) => informer.run(signal));
  try {
    return await Promise.race([work(), interrupted.promise]);
  } finally {
    context.signal.removeEventListener("abort", onAbort);
    own.abort();
    await Promise.all(running);
  }
}

/** A watch that does not come about (a right that is missing, a server that is away) is told, and tried again. */
function logOf({ output }: ClusterContext): Logger {
  let last = "";
  const log: Logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: (message, facts) => {
      const text = typeof facts?.error === "string" ? facts.error : message;
      if (text !== last) output.warn(`warning: ${text}; trying again`);
      last = text;
    },
    error: (message) => output.warn(message),
    child: () => log,
  };
  return log;
}
