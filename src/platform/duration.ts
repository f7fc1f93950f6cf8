// Go's duration text ("10m", "1h30m", "1.5s"), which Velero's flags and custom resources use.

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const wholeText = /^([+-]?)((?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))+$/;
const onePart = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g;

/** Milliseconds; undefined when the text is not a duration of Go's. "0" is allowed, as in Go. */
export function parseDuration(text: string): number | undefined {
  if (text === "0") return 0;
  if (!wholeText.test(text)) return undefined;
  let ms = 0;
  for (const [, number, unit] of text.matchAll(onePart)) ms += Number(number) * (unitMs[unit as string] as number);
  return text.startsWith("-") ? -ms : ms;
}

/** Go's text for whole seconds, for example "4h0m0s" or "1.5s"; what Velero writes into resources. */
export function formatDuration(ms: number): string {
  if (ms < 0) return `-${formatDuration(-ms)}`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const seconds = (ms % 60_000) / 1000;
  if (hours > 0) return `${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`;
}
