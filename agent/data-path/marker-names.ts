// Names of the files through which the agent talks to the restore-helper, inside each restored volume. The directory and
// the first file are Velero's; its own helper ignores the other two.

export const markerDirectory = ".velero";

/** Empty; its presence means that the volume is restored. */
export function doneMarker(restoreUid: string): string {
  return restoreUid;
}

/** Holds the reason, as text. */
export function failedMarker(restoreUid: string): string {
  return `${restoreUid}.failed`;
}

/** Holds a MarkerProgress as JSON. */
export function progressMarker(restoreUid: string): string {
  return `${restoreUid}.progress`;
}

export interface MarkerProgress {
  readonly bytesDone: number;
  readonly totalBytes: number;
}
