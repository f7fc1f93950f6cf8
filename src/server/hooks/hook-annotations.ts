// Hooks that a pod's annotations ask for: the keys share a prefix, as in `pre.hook.backup.velero.io/command`.
import type { Pod } from "../../api/core.ts";
import { parseDuration } from "../../platform/duration.ts";

/** Reads one group of hook annotations. */
export class HookAnnotations {
  readonly #pod: Pod;
  readonly #prefix: string;
  /** Values that could not be used, as sentences. */
  readonly warnings: string[] = [];

  /** @param prefix with its slash. */
  constructor(pod: Pod, prefix: string) {
    this.#pod = pod;
    this.#prefix = prefix;
  }

  /** "" when absent. */
  text(key: string): string {
    return this.#pod.metadata.annotations?.[this.#prefix + key] ?? "";
  }

  /** A JSON list of words, or one word; undefined when absent. What looks like a list and is none counts as one word. */
  command(): readonly string[] | undefined {
    const text = this.text("command");
    if (text === "") return undefined;
    if (!text.startsWith("[")) return [text];
    try {
      const words: unknown = JSON.parse(text);
      if (Array.isArray(words) && words.length > 0 && words.every((word) => typeof word === "string")) return words;
    } catch {
      // It is a word.
    }
    this.#doubt("command", "not a JSON list of strings; it is taken for one word");
    return [text];
  }

  /** Fail unless it says Continue. */
  onError(): "Continue" | "Fail" {
    const text = this.text("on-error");
    if (text === "Continue" || text === "Fail") return text;
    if (text !== "") this.#doubt("on-error", "neither Continue nor Fail; it is taken for Fail");
    return "Fail";
  }

  /** Undefined when absent, not a duration, or not above zero. */
  durationMs(key: string): number | undefined {
    const text = this.text(key);
    if (text === "") return undefined;
    const ms = parseDuration(text);
    if (ms === undefined || ms < 0) this.#doubt(key, "not a duration such as 30s; the default holds");
    return ms === undefined || ms <= 0 ? undefined : ms;
  }

  /** False when absent. */
  flag(key: string): boolean {
    const text = this.text(key);
    if (/^(1|t|true)$/i.test(text)) return true;
    if (text !== "" && !/^(0|f|false)$/i.test(text)) this.#doubt(key, "neither true nor false; it is taken for false");
    return false;
  }

  #doubt(key: string, problem: string): void {
    const { namespace, name } = this.#pod.metadata;
    const value = JSON.stringify(this.text(key));
    this.warnings.push(`pod ${namespace}/${name}: the annotation ${this.#prefix}${key} is ${value}, ${problem}`);
  }
}
