// Patterns as Velero takes them in lists of names and in resource modifiers: * ** ? [abc] [!abc] {one,two}. They are not made
// into regular expressions: a pattern of many stars would keep one of those busy for years, and the whole server with it.
import { messageOf } from "../../platform/coded-error.ts";

const special = /[*?[{]/;

/** Nobody writes so many by hand; a few nested braces make more than any memory holds. */
const maxAlternatives = 1000;

export function isGlobPattern(text: string): boolean {
  return special.test(text);
}

/** A sentence for each text that is neither a name nor a pattern. */
export function patternProblems(names: readonly string[]): string[] {
  return names.flatMap((name) => {
    try {
      globPattern(name);
      return name === "" ? ['"" is no name'] : [];
    } catch (error) {
      return [messageOf(error)];
    }
  });
}

export interface NamePattern {
  test(name: string): boolean;
}

/**
 * @param separator a character that * and ? do not cross; ** does. Absent: they cross everything.
 * @throws Error when a bracket is not closed, or braces stand for too much
 */
export function globPattern(pattern: string, separator = ""): NamePattern {
  const alternatives = new Parser(pattern, separator).parse();
  return { test: (name) => alternatives.some((steps) => matches(steps, name)) };
}

interface Step {
  accepts(character: string): boolean;
  /** Takes any number of characters, not one. */
  readonly isMany: boolean;
}

type Alternatives = readonly (readonly Step[])[];

class Parser {
  readonly #pattern: string;
  readonly #separator: string;
  #at = 0;

  constructor(pattern: string, separator: string) {
    this.#pattern = pattern;
    this.#separator = separator;
  }

  parse(): Alternatives {
    return this.#sequence(0);
  }

  /** Up to the end, inside of braces up to a comma or the closing one. */
  #sequence(depth: number): Alternatives {
    let ways: Alternatives = [[]];
    while (this.#at < this.#pattern.length && !(depth > 0 && this.#isOneOf(",}"))) {
      const next = this.#isOneOf("{") ? this.#braces(depth + 1) : [[this.#step()]];
      if (ways.length * next.length > maxAlternatives) {
        throw new Error(`pattern "${this.#pattern}" stands for more than ${maxAlternatives} patterns`);
      }
      ways = ways.flatMap((way) => next.map((rest) => [...way, ...rest]));
    }
    return ways;
  }

  #braces(depth: number): Alternatives {
    const ways: (readonly Step[])[] = [];
    do {
      this.#at++;
      ways.push(...this.#sequence(depth));
    } while (this.#isOneOf(","));
    if (!this.#isOneOf("}")) throw new Error(`pattern "${this.#pattern}" has a { without a }`);
    this.#at++;
    return ways;
  }

  #step(): Step {
    const character = this.#take();
    if (character === "*") {
      const isDouble = this.#isOneOf("*");
      if (isDouble) this.#at++;
      return { accepts: isDouble ? () => true : this.#notSeparator, isMany: true };
    }
    if (character === "?") return { accepts: this.#notSeparator, isMany: false };
    if (character === "[") return { accepts: this.#characterClass(), isMany: false };
    const wanted = character === "\\" ? this.#take() : character;
    return { accepts: (one) => one === wanted, isMany: false };
  }

  readonly #notSeparator = (character: string): boolean => character !== this.#separator;

  #characterClass(): (character: string) => boolean {
    const end = this.#pattern.indexOf("]", this.#at + 1);
    if (end < 0) throw new Error(`pattern "${this.#pattern}" has a [ without a ]`);
    const inside = this.#pattern.slice(this.#at, end);
    this.#at = end + 1;
    const isNegated = inside.startsWith("!");
    const characters = (isNegated ? inside.slice(1) : inside).replaceAll(/[\\\]^[]/g, "\\$&");
    const expression = new RegExp(`^[${isNegated ? "^" : ""}${characters}]$`, "s");
    return (character) => expression.test(character);
  }

  #take(): string {
    return this.#pattern.charAt(this.#at++);
  }

  #isOneOf(characters: string): boolean {
    return this.#at < this.#pattern.length && characters.includes(this.#pattern.charAt(this.#at));
  }
}

/** All places in the pattern that the text read so far can have led to, at once: each character costs one look at each. */
function matches(steps: readonly Step[], text: string): boolean {
  let places = withSkipped(steps, [0]);
  for (const character of text.split("")) {
    const next: number[] = [];
    for (const place of places) {
      const step = steps[place];
      if (step?.accepts(character) === true) next.push(step.isMany ? place : place + 1);
    }
    places = withSkipped(steps, next);
    if (places.size === 0) return false;
  }
  return places.has(steps.length);
}

/** What takes any number of characters may take none. */
function withSkipped(steps: readonly Step[], places: readonly number[]): ReadonlySet<number> {
  const all = new Set<number>();
  for (let place of places) {
    while (!all.has(place)) {
      all.add(place);
      if (steps[place]?.isMany === true) place++;
    }
  }
  return all;
}
