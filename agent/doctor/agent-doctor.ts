// The doctor inside of a running agent: looks at its start, beside its work, and again from time to time until nothing
// fails. What it finds goes into the log, into an Event on the agent's pod, and, where no work is possible, into /readyz.

import type { Pod } from "../../src/api/core.ts";
import type { EventRecorder } from "../../src/kube/events.ts";
import { type Backoff, backoffDelayMs } from "../../src/platform/backoff.ts";
import { errorFacts, explainError } from "../../src/platform/coded-error.ts";
import type { Logger } from "../../src/platform/logger.ts";
import { findOwnPod } from "./agent-pods.ts";
import type { Check, CheckResult, Patient } from "./finding.ts";
import { isFine, titleOf } from "./report.ts";
import { runChecks } from "./run-checks.ts";

export interface AgentDoctorOptions {
  readonly patient: Patient;
  readonly checks: readonly Check[];
  readonly events: Pick<EventRecorder, "record">;
  readonly log: Logger;
  /** Takes secrets out of a text; stores quote what they like. */
  readonly redact: (text: string) => string;
}

/** Between two looks while something fails: after an installation what is missing comes within seconds, or not so soon. */
const pauses: Backoff = { firstMs: 4000, factor: 2, maxMs: 120_000, jitter: 0 };

export class AgentDoctor {
  readonly #options: AgentDoctorOptions;
  #results: readonly CheckResult[] = [];
  #pod: Pod | undefined;

  constructor(options: AgentDoctorOptions) {
    this.#options = options;
  }

  /** What keeps the agent from doing any work, one line each; empty until the first look has ended. */
  get obstacles(): readonly string[] {
    return this.#results.filter(({ stopsWork }) => stopsWork === true).map(lineOf);
  }

  /** Until all is well, or the signal fires. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { patient, log } = this.#options;
    try {
      for (let attempt = 0; !(await this.#look(signal)); attempt++) {
        await patient.clock.sleep(backoffDelayMs(attempt, pauses), signal);
      }
    } catch (error) {
      if (!signal.aborted) log.warn("the agent's self-examination broke off", errorFacts(error));
    } finally {
      await patient.access.close();
    }
  }

  /** For an agent that ends before the doctor has spoken. */
  async recordEnd(error: unknown, signal: AbortSignal): Promise<void> {
    await this.#record("Warning", "DoctorFailed", `the agent cannot run: ${explainError(error)}`, signal);
  }

  /** @returns true when nothing failed. */
  async #look(signal: AbortSignal): Promise<boolean> {
    const { patient, checks, redact } = this.#options;
    const before = new Set(this.#results.map(lineOf));
    const found = await runChecks(checks, patient, signal);
    const results = found.map((result) => ({ ...result, message: redact(result.message) }));
    const news = results.filter((result) => !before.has(lineOf(result)));
    this.#results = results;
    for (const result of news) this.#log(result);
    const failures = results.filter(({ outcome }) => outcome === "failed");
    if (news.some(({ outcome }) => outcome === "failed")) {
      await this.#record("Warning", "DoctorFailed", failures.map(lineOf).join("; "), signal);
    }
    if (failures.length === 0) await this.#record("Normal", "DoctorPassed", summaryOf(results), signal);
    return isFine(results);
  }

  #log(result: CheckResult): void {
    const { log } = this.#options;
    const { outcome, message, remedy, check, subject } = result;
    const facts = { check, subject, outcome, finding: message, remedy };
    if (outcome === "failed") log.error("a check of what the agent needs failed", facts);
    else if (outcome === "warning") log.warn("a check of what the agent needs found something", facts);
    else log.debug("a check of what the agent needs", facts);
  }

  async #record(type: "Normal" | "Warning", reason: string, message: string, signal: AbortSignal): Promise<void> {
    const { patient, events, log } = this.#options;
    try {
      this.#pod ??= await findOwnPod(patient, signal);
      if (this.#pod === undefined) return;
      const { name, namespace = patient.namespace, uid } = this.#pod.metadata;
      const object = { apiVersion: "v1", kind: "Pod", name, namespace, ...(uid === undefined ? {} : { uid }) };
      events.record(object, { type, reason, message });
    } catch (error) {
      // The log has it all; an Event is a courtesy.
      log.debug("the agent's own pod could not be looked up", errorFacts(error));
    }
  }
}

function lineOf(result: CheckResult): string {
  const { message, remedy } = result;
  return `${titleOf(result)}: ${message}${remedy === undefined ? "" : ` (${remedy})`}`;
}

function summaryOf(results: readonly CheckResult[]): string {
  const warnings = results.filter(({ outcome }) => outcome === "warning");
  const passed = results.filter(({ outcome }) => outcome === "ok").length;
  if (warnings.length === 0) return `all ${passed} checks passed`;
  return `${passed} checks passed; ${warnings.map(lineOf).join("; ")}`;
}
