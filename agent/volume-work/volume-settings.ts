// What the owner of a pod or claim asks for a volume by annotation. The annotation that says most about the volume wins as
// a whole: the pod's for this volume (`exclude.stowage.dev/<volume>`), then the claim's, then the pod's for all its volumes.

import type { PersistentVolumeClaim, Pod } from "../../src/api/core.ts";
import { annotations } from "../../src/api/names.ts";
import { explainError } from "../../src/platform/coded-error.ts";
import { formatDuration, parseDuration } from "../../src/platform/duration.ts";
import { parseExcludeList } from "../data-path/exclude-list.ts";
import { VolumeError } from "../host-volumes/volume-error.ts";

export interface SettingSources {
  readonly pod: Pod;
  /** Its name in the pod. */
  readonly volume: string;
  readonly claim: PersistentVolumeClaim | undefined;
}

export interface VolumeSettings {
  /** restic's patterns; a leading "/" is the volume's root. */
  readonly exclude: readonly string[];
  readonly crossMounts: boolean;
  /** Infinity: none. */
  readonly timeoutMs: number;
  /** Infinity: none. */
  readonly stallTimeoutMs: number;
  /** Which annotation said it, for those that one did. */
  readonly origins: Readonly<Partial<Record<Setting, string>>>;
}

const settingNames = ["exclude", "crossMounts", "timeout", "stallTimeout"] as const;
type Setting = (typeof settingNames)[number];

interface Said {
  readonly text: string;
  /** For people, e.g. "annotation stowage.dev/timeout of claim app/data". */
  readonly origin: string;
}

/** @throws VolumeError "annotation-invalid": a backup that leaves out the wrong files is worse than none */
export function backupSettings(sources: SettingSources, stallTimeoutMs: number): VolumeSettings {
  const said = { exclude: look(sources, "exclude"), crossMounts: look(sources, "crossMounts") };
  const times = { timeout: look(sources, "timeout"), stallTimeout: look(sources, "stallTimeout") };
  const origins = Object.entries({ ...said, ...times }).flatMap(([name, found]) =>
    found === undefined ? [] : [[name, found.origin]],
  );
  return {
    exclude: said.exclude === undefined ? [] : patternsOf(said.exclude),
    crossMounts: said.crossMounts !== undefined && truthOf(said.crossMounts),
    timeoutMs: times.timeout === undefined ? Number.POSITIVE_INFINITY : durationOf(times.timeout),
    stallTimeoutMs: times.stallTimeout === undefined ? orNever(stallTimeoutMs) : durationOf(times.stallTimeout),
    origins: Object.fromEntries(origins),
  };
}

/** A restore obeys this one only. @throws VolumeError "annotation-invalid" */
export function restoreStallTimeout(sources: SettingSources, stallTimeoutMs: number): number {
  const said = look(sources, "stallTimeout");
  return said === undefined ? orNever(stallTimeoutMs) : durationOf(said);
}

/** Annotations of the pod that name a volume which it does not have, or a setting that there is not, as sentences. */
export function misnamedAnnotations({ metadata, spec }: Pod): string[] {
  const volumes = new Set(spec?.volumes?.map((volume) => volume.name));
  return Object.keys(metadata.annotations ?? {}).flatMap((key) => {
    const [, setting = "", volume = ""] = /^(.+)\.stowage\.dev\/(.*)$/.exec(key) ?? [];
    if (setting === "") return [];
    if (!settingNames.some((name) => nameOf(name) === setting)) return [`${key}: there is no such setting`];
    return volumes.has(volume) ? [] : [`${key}: the pod has no volume ${volume}`];
  });
}

/** All annotations of an object together may have 256 KiB; the snapshot has every pattern. */
const maxListLength = 32_768;

/** JSON of what annotations asked for; undefined when they asked for nothing. */
export function settingsText(settings: VolumeSettings): string | undefined {
  const { exclude, crossMounts, timeoutMs, stallTimeoutMs, origins } = settings;
  if (Object.keys(origins).length === 0) return undefined;
  const all = {
    exclude: firstOf(exclude),
    crossMounts,
    timeout: timeText(timeoutMs),
    stallTimeout: timeText(stallTimeoutMs),
  };
  const asked = Object.entries(all).filter(([name]) => Object.hasOwn(origins, name));
  return JSON.stringify({ ...Object.fromEntries(asked), from: origins });
}

function firstOf(patterns: readonly string[]): string[] {
  const kept: string[] = [];
  let length = 0;
  for (const pattern of patterns) {
    length += JSON.stringify(pattern).length + 1;
    if (length > maxListLength) break;
    kept.push(pattern);
  }
  return kept;
}

function look({ pod, volume, claim }: SettingSources, setting: Setting): Said | undefined {
  const general = annotations[setting];
  const candidates = [
    { key: `${nameOf(setting)}.stowage.dev/${volume}`, owner: pod, kind: "pod" },
    { key: general, owner: claim, kind: "claim" },
    { key: general, owner: pod, kind: "pod" },
  ];
  for (const { key, owner, kind } of candidates) {
    const text = owner?.metadata.annotations?.[key];
    if (text === undefined) continue;
    return { text, origin: `annotation ${key} of ${kind} ${owner?.metadata.namespace}/${owner?.metadata.name}` };
  }
  return undefined;
}

/** "exclude" of "stowage.dev/exclude". */
function nameOf(setting: Setting): string {
  return annotations[setting].slice("stowage.dev/".length);
}

function patternsOf({ text, origin }: Said): string[] {
  try {
    return parseExcludeList(text);
  } catch (error) {
    throw new VolumeError("annotation-invalid", `${origin}: ${explainError(error)}`);
  }
}

function truthOf({ text, origin }: Said): boolean {
  const trimmed = text.trim();
  if (trimmed === "true" || trimmed === "false") return trimmed === "true";
  throw new VolumeError("annotation-invalid", `${origin}: must be "true" or "false", not ${JSON.stringify(text)}`);
}

function durationOf({ text, origin }: Said): number {
  const ms = parseDuration(text.trim());
  if (ms !== undefined && ms >= 0) return orNever(ms);
  const wanted = 'must be a duration with a unit, such as "45m" or "6h", or "0" for none';
  throw new VolumeError("annotation-invalid", `${origin}: ${wanted}, not ${JSON.stringify(text)}`);
}

function orNever(ms: number): number {
  return ms === 0 ? Number.POSITIVE_INFINITY : ms;
}

function timeText(ms: number): string {
  return Number.isFinite(ms) ? formatDuration(ms) : "0";
}
