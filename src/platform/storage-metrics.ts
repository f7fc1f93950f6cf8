// What a process asks of its stores, as numbers for Prometheus. The engine counts; this only shows it.
import type { Metrics, Sample } from "./metrics.ts";

/** As the engine reports it; counts only grow. */
export interface StorageCounts {
  /** By verb (get, put, list, delete, stat) and code ("ok", an HTTP status, an error code). */
  readonly outcomes: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly retries: number;
}

/** Of all stores together, as they are when somebody asks. */
export function serveStorageCounts(metrics: Metrics, read: () => StorageCounts): void {
  const requests = "Requests to stores that were answered or failed, repeated ones included";
  metrics.sampledCounter("stowage_storage_requests_total", requests, ["method", "code"], () =>
    Object.entries(read().outcomes).flatMap(([method, codes]) => samplesOf(method, codes)),
  );
  metrics.sampledCounter("stowage_storage_bytes_total", "Bytes of objects sent and received", ["direction"], () => {
    const { bytesSent, bytesReceived } = read();
    return [
      { labels: { direction: "sent" }, value: bytesSent },
      { labels: { direction: "received" }, value: bytesReceived },
    ];
  });
  metrics.sampledCounter("stowage_storage_retries_total", "Requests to stores made again after a failure", [], () => [
    { value: read().retries },
  ]);
}

/** There is always an "ok", so that a rate begins at 0 and not with the first answer. */
function samplesOf(method: string, codes: Readonly<Record<string, number>>): Sample[] {
  return Object.entries({ ok: 0, ...codes }).map(([code, value]) => ({ labels: { method, code }, value }));
}
