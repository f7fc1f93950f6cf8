// Signals of the operating system as an AbortSignal. SIGTERM and SIGINT ask for an orderly end; SIGHUP is ignored, so
// that a lost terminal does not cut a transfer.

export interface Shutdown {
  /** Fires once, with a ShutdownReason. */
  readonly signal: AbortSignal;
  /** Takes the handlers off again. */
  dispose(): void;
}

/** Why work was aborted: the process was asked to end. */
export class ShutdownReason extends Error {
  readonly signalName: string;

  constructor(signalName: string) {
    super(`the process received ${signalName}`);
    this.name = "ShutdownReason";
    this.signalName = signalName;
  }
}

/** A second SIGTERM or SIGINT changes nothing; the kubelet's SIGKILL after the grace period is the last word. */
export function listenForShutdown(source: NodeJS.EventEmitter = process): Shutdown {
  const controller = new AbortController();
  const onTerminate = () => controller.abort(new ShutdownReason("SIGTERM"));
  const onInterrupt = () => controller.abort(new ShutdownReason("SIGINT"));
  const onHangUp = () => undefined;
  source.on("SIGTERM", onTerminate);
  source.on("SIGINT", onInterrupt);
  source.on("SIGHUP", onHangUp);
  return {
    signal: controller.signal,
    dispose: () => {
      source.off("SIGTERM", onTerminate);
      source.off("SIGINT", onInterrupt);
      source.off("SIGHUP", onHangUp);
    },
  };
}
