// Slows transfers down while other programs of the node wait for its disks, processors or memory: the kernel says how much
// they do (pressure stall information, /proc/pressure). The share falls quickly and comes back step by step.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../src/platform/clock.ts";
import { messageOf } from "../../src/platform/coded-error.ts";
import type { Logger } from "../../src/platform/logger.ts";
import type { PressureResource, PressureSettings } from "./throttle-settings.ts";

export interface PressureWatchOptions {
  /** "/proc/pressure": one file per resource. */
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called with the share of the limits, above 0 to 1, whenever it changes. */
  readonly onShare: (share: number) => void;
  /** Called once per settings when the kernel does not say anything. */
  readonly onUnavailable: (message: string) => void;
}

const lookMs = 5000;
const growth = 0.1;
/** Between this part of the threshold and the threshold nothing changes, so that the share does not swing. */
const calmPart = 0.8;

export class PressureWatch {
  readonly #options: PressureWatchOptions;
  #settings: PressureSettings | undefined;
  #share = 1;
  #wasUnavailable = false;

  constructor(options: PressureWatchOptions) {
    this.#options = options;
  }

  /** @param settings undefined: nothing is slowed down any more */
  configure(settings: PressureSettings | undefined): void {
    this.#settings = settings;
    this.#wasUnavailable = false;
    if (settings === undefined) this.#setShare(1, "");
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.look();
      // Only the signal ends a sleep early; the loop looks at it.
      await this.#options.clock.sleep(lookMs, signal).catch(() => undefined);
    }
  }

  async look(): Promise<void> {
    const settings = this.#settings;
    if (settings === undefined) return;
    const { thresholds, leastShare } = settings;
    // Of 1, how near the resource under the greatest pressure is to its threshold.
    let worst = { part: 0, text: "" };
    for (const [resource, threshold] of Object.entries(thresholds) as [PressureResource, number][]) {
      const percent = await this.#read(resource);
      if (percent === undefined) continue;
      const part = percent / threshold;
      if (part > worst.part) worst = { part, text: `${resource} ${percent}% of the time, threshold ${threshold}%` };
    }
    // The settings may have changed while the files were read.
    if (settings === this.#settings) this.#setShare(nextShare(this.#share, worst.part, leastShare), worst.text);
  }

  #setShare(share: number, pressure: string): void {
    if (share === this.#share) return;
    const isLess = share < this.#share;
    if (isLess || share === 1) {
      const message = isLess
        ? "transfers are slowed down: the node is under pressure"
        : "transfers go on at full speed";
      this.#options.log.info(message, { sharePercent: Math.round(share * 100), ...(isLess ? { pressure } : {}) });
    }
    this.#share = share;
    this.#options.onShare(share);
  }

  async #read(resource: PressureResource): Promise<number | undefined> {
    const path = join(this.#options.directory, resource);
    try {
      const percent = parsePressure(await readFile(path, "utf8"));
      if (percent !== undefined) return percent;
      this.#unavailable(`${path} is not what the kernel writes there`);
    } catch (error) {
      this.#unavailable(messageOf(error));
    }
    return undefined;
  }

  #unavailable(why: string): void {
    if (this.#wasUnavailable) return;
    this.#wasUnavailable = true;
    this.#options.onUnavailable(`onPressure has no effect: this node does not tell its pressure: ${why}`);
  }
}

/** Percent of the last ten seconds in which at least one task waited. */
export function parsePressure(text: string): number | undefined {
  const [, percent] = /^some avg10=(\d+(?:\.\d+)?) /m.exec(text) ?? [];
  return percent === undefined ? undefined : Number(percent);
}

/** @param pressure 1 at the threshold */
export function nextShare(share: number, pressure: number, leastShare: number): number {
  const wanted = pressure > 1 ? share / 2 : pressure <= calmPart ? share + growth : share;
  // In whole percents, so that steps add up to 1.
  return Math.max(leastShare, Math.min(1, Math.round(wanted * 100) / 100));
}
