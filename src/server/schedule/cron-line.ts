// The `spec.schedule` of a Schedule, as Velero reads it (robfig/cron's standard parser): five cron fields, @daily and its
// like, @every, each with an optional time zone in front. croner does the calendar: it gets every field as a plain list, so
// that none of its own extensions can slip in. The only file that knows croner.
import { Cron } from "croner";
import { parseDuration } from "../../platform/duration.ts";

export interface CronLine {
  /** The first run after that time, both in milliseconds since the epoch. */
  readonly nextAfter: (ms: number) => number;
}

/** "problem" is a sentence without a full stop. */
export type ParsedCronLine = { readonly line: CronLine } | { readonly problem: string };

interface FieldRule {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Where a step without an end goes to. */
  readonly stepMax?: number;
  /** The first stands for `min`. */
  readonly words?: readonly string[];
}

const fieldRules: readonly FieldRule[] = [
  { name: "minute", min: 0, max: 59 },
  { name: "hour", min: 0, max: 23 },
  { name: "day of the month", min: 1, max: 31 },
  { name: "month", min: 1, max: 12, words: "jan feb mar apr may jun jul aug sep oct nov dec".split(" ") },
  // 7 is Sunday, too, as in most programs but Velero.
  { name: "day of the week", min: 0, max: 7, stepMax: 6, words: "sun mon tue wed thu fri sat".split(" ") },
];

const shortForms: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

class CronProblem extends Error {}

/** @param localZone IANA name of the time zone for lines that name none. */
export function parseCronLine(text: string, localZone: string): ParsedCronLine {
  try {
    return { line: readLine(text.trim(), localZone) };
  } catch (error) {
    if (!(error instanceof CronProblem)) throw error;
    return { problem: `spec.schedule ${JSON.stringify(text)}: ${error.message}` };
  }
}

function readLine(text: string, localZone: string): CronLine {
  const [, zoneText, when = ""] = /^(?:(?:CRON_)?TZ=(\S*)\s+)?(.*)$/s.exec(text) ?? [];
  const zone = zoneText === undefined || zoneText === "Local" ? localZone : checkedZone(zoneText);
  const [, every] = /^@every\s+(.*)$/s.exec(when) ?? [];
  if (every !== undefined) return everyLine(every.trim());
  const fields = shortForms[when] ?? when;
  if (fields.startsWith("@")) {
    throw new CronProblem(`it is none of ${Object.keys(shortForms).join(", ")} and @every`);
  }
  return calendarLine(fields.split(/\s+/).filter(Boolean), zone);
}

/** Whole seconds, counted from the last run. */
function everyLine(text: string): CronLine {
  const ms = Math.trunc((parseDuration(text) ?? 0) / 1000) * 1000;
  if (ms < 1000) throw new CronProblem("@every needs a duration of at least a second, such as @every 6h30m");
  return { nextAfter: (lastMs) => Math.floor(lastMs / 1000) * 1000 + ms };
}

function calendarLine(texts: readonly string[], timezone: string): CronLine {
  if (texts.length !== fieldRules.length) {
    const wanted = "minute, hour, day of the month, month, day of the week";
    throw new CronProblem(`it has ${texts.length} fields where five are needed: ${wanted}; or use @daily or @every 6h`);
  }
  const fields = fieldRules.map((rule, index) => readField(texts[index] as string, rule));
  const hasFixedTime = fields.slice(0, 2).every(({ isCounted }) => !isCounted);
  const cron = new Cron(fields.map(({ values }) => values?.join(",") ?? "*").join(" "), {
    mode: "5-part",
    paused: true,
    timezone,
    // A nightly run whose hour is left out when summer time begins comes right after the gap; it is not left out.
    fixedTimeRule: hasFixedTime ? "no-wildcard" : "single-value",
  });
  if (cron.nextRun(new Date(0)) === null) throw new CronProblem("no such date ever comes");
  return {
    nextAfter: (ms) => {
      const next = cron.nextRun(new Date(ms));
      // The calendar repeats itself, so what came once comes again.
      if (next === null) throw new Error("bug: a cron line has ended");
      return next.getTime();
    },
  };
}

interface Field {
  /** Undefined for "*": with it the other one of the two day fields decides alone. */
  readonly values: readonly number[] | undefined;
  /** With a star or a step: an interval rather than a time of day. */
  readonly isCounted: boolean;
}

function readField(text: string, rule: FieldRule): Field {
  const values = new Set<number>();
  let isStar = false;
  let isCounted = false;
  for (const part of text.split(",")) {
    const { from, to, step, isWhole } = readPart(part, rule);
    isStar ||= isWhole && step === 1;
    isCounted ||= isWhole || part.includes("/");
    for (let value = from; value <= to; value += step) values.add(value);
  }
  return { values: isStar ? undefined : [...values].sort((a, b) => a - b), isCounted };
}

interface Part {
  readonly from: number;
  readonly to: number;
  readonly step: number;
  readonly isWhole: boolean;
}

/** "*", "5", "5-10", "5/15" (from 5 on), each but a single value with a step. */
function readPart(text: string, rule: FieldRule): Part {
  const { min, max, stepMax = max } = rule;
  const [, first = "", last, stepText] = /^(\*|\?|\w+)(?:-(\w+))?(?:\/(\d+))?$/.exec(text) ?? [];
  const isWhole = first === "*" || first === "?";
  const step = Number(stepText ?? 1);
  if (first === "" || step === 0 || (isWhole && last !== undefined)) throw malformed(text, rule);
  if (isWhole) return { from: min, to: stepMax, step, isWhole };
  const from = readValue(first, rule);
  const openEnd = stepText === undefined ? from : stepMax;
  const to = last === undefined ? openEnd : readValue(last, rule);
  if (from < min || to > max || from > to) throw malformed(text, rule);
  return { from, to, step, isWhole };
}

function readValue(text: string, rule: FieldRule): number {
  const word = rule.words?.indexOf(text.toLowerCase()) ?? -1;
  if (word >= 0) return rule.min + word;
  if (!/^\d{1,2}$/.test(text)) throw malformed(text, rule);
  return Number(text);
}

function malformed(text: string, { name, min, max }: FieldRule): CronProblem {
  return new CronProblem(`${JSON.stringify(text)} is no ${name}: give ${min} to ${max}, lists, ranges or steps (*/5)`);
}

function checkedZone(zone: string): string {
  if (zone === "") return "UTC";
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return zone;
  } catch {
    throw new CronProblem(`${JSON.stringify(zone)} is no time zone; give a name such as Europe/Berlin`);
  }
}
