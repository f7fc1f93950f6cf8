// The warnings, or the errors, of a run by where they belong: all are counted, so many are kept.
import type { ResultList, ResultPlace } from "./run-log.ts";

/** Of each list; a cluster where everything fails must not fill the memory or the bucket. */
const mostKept = 1000;
const longestMessage = 4096;

export class ResultCollector {
  readonly #name: string;
  readonly #redact: (text: string) => string;
  readonly #velero: string[] = [];
  readonly #cluster: string[] = [];
  readonly #namespaces = new Map<string, string[]>();
  #count = 0;

  /** @param name in the line that says how many were left out. */
  constructor(name: string, redact: (text: string) => string) {
    this.#name = name;
    this.#redact = redact;
  }

  get count(): number {
    return this.#count;
  }

  add(place: ResultPlace, message: string): void {
    this.#count += 1;
    if (this.#count > mostKept) return;
    // Before it is cut: half of a secret would not be recognised.
    this.#listOf(place).push(this.#redact(message).slice(0, longestMessage));
  }

  /** Without lists that are empty, as Velero writes them. */
  get list(): ResultList {
    const left = this.#count - mostKept;
    const velero = left > 0 ? [...this.#velero, `${left} more ${this.#name} are only in the log`] : [...this.#velero];
    const namespaces = Object.fromEntries([...this.#namespaces].map(([name, messages]) => [name, [...messages]]));
    return {
      ...(velero.length === 0 ? {} : { velero }),
      ...(this.#cluster.length === 0 ? {} : { cluster: [...this.#cluster] }),
      ...(this.#namespaces.size === 0 ? {} : { namespaces }),
    };
  }

  #listOf(place: ResultPlace): string[] {
    if (place === "velero") return this.#velero;
    if (place === "cluster") return this.#cluster;
    const known = this.#namespaces.get(place.namespace);
    if (known !== undefined) return known;
    const list: string[] = [];
    this.#namespaces.set(place.namespace, list);
    return list;
  }
}
