// Tells failures of single objects from those after which a run cannot go on.
import { KubeError } from "../../../kube/kube-errors.ts";
import { TarballError } from "../../tarball/tarball-error.ts";

/** Not this object is the problem, but the API server, the scratch folder, or that the server is ending. */
export function isEndOfRun(error: unknown, signal: AbortSignal): boolean {
  if (signal.aborted || KubeError.is(error, "cancelled") || KubeError.is(error, "unauthorized")) return true;
  if (TarballError.is(error, "scratch-unusable")) return true;
  const { httpStatus } = KubeError.is(error, "unavailable") ? error.details : { httpStatus: 0 };
  return httpStatus === undefined || httpStatus === 429;
}
