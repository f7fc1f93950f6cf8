// Tells that a volume waits for a lock of another program: in the log each time, as an event once.

import { type EventRecorder, involvedObject } from "../../src/kube/events.ts";
import type { AnyKubeObject, ResourceDescriptor } from "../../src/kube/kube-object.ts";
import type { Logger } from "../../src/platform/logger.ts";

interface Listeners {
  readonly events: Pick<EventRecorder, "record">;
  readonly log: Logger;
}

export function tellLockWait<T extends AnyKubeObject>(
  { events, log }: Listeners,
  resource: ResourceDescriptor<T>,
  object: T,
): (holder: string, waitedMs: number) => void {
  let wasTold = false;
  return (holder, waitedMs) => {
    const waitedSeconds = Math.round(waitedMs / 1000);
    log.info("waiting for a repository lock", { name: object.metadata.name, holder, waitedSeconds });
    if (wasTold) return;
    wasTold = true;
    const message = `another program holds the repository; waiting: ${holder}`;
    events.record(involvedObject(resource, object), { type: "Normal", reason: "WaitingForLock", message });
  };
}
