// Regular expressions that users write, over names of objects. They mean what they mean to Velero, or are refused; and one
// that takes too long is stopped, because nothing else in the server goes on meanwhile.
import { type Context, createContext, Script } from "node:vm";
import type { NamePattern } from "./glob-pattern.ts";

/** For one name, in milliseconds. Honest ones need microseconds, but the process may be held up for a while. */
const limitMs = 1000;

/**
 * @param text Go's syntax: flags may stand in front, "(?i)".
 * @throws Error when it is none, or would mean something else to Velero
 */
export function nameExpression(text: string): NamePattern {
  const [, flags = "", source = text] = /^\(\?([ims]+)\)(.*)$/s.exec(text) ?? [];
  const expression = new RegExp(inOurSyntax(source), `${flags}u`);
  // With one choice the time cannot grow faster than the square of a name's length.
  const choices = source.match(/[*+?{|]/g) ?? [];
  return choices.length <= 1 ? expression : new TimedExpression(expression);
}

/** The strict syntax, in which what it does not know is an error: it knows fewer signs behind a backslash than Go does. */
function inOurSyntax(source: string): string {
  const plain = source.replaceAll(/\\./gs, "");
  const isForeign = /\[\[:/.test(plain) || /\(\?(?!:|[ims-]+:|P?<[A-Za-z_])/.test(plain.replaceAll(/\[[^\]]*\]/g, ""));
  if (isForeign || /\\[1-9]/.test(source.replaceAll("\\\\", ""))) {
    throw new Error("classes like [[:alpha:]], flags inside, references and looks around are not understood");
  }
  const translated = source.replaceAll(/\\(.)/gs, (escaped, sign: string) => {
    return escapes[sign] ?? (isSign(sign) ? hexOf(sign) : escaped);
  });
  return translated.replaceAll("(?P<", "(?<");
}

const escapes: Readonly<Record<string, string>> = { A: "^", z: "$" };

function isSign(character: string): boolean {
  return !/[A-Za-z0-9]/.test(character) && character <= "~";
}

function hexOf(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
}

let world: Context | undefined;
const script = new Script("expression.test(name)");

class TimedExpression implements NamePattern {
  readonly #expression: RegExp;
  #isTooSlow = false;

  constructor(expression: RegExp) {
    this.#expression = expression;
  }

  /** @throws Error when it takes too long: once for all, so that ten thousand names do not take their time each */
  test(name: string): boolean {
    if (this.#isTooSlow) throw tooSlow();
    world ??= createContext({});
    Object.assign(world, { expression: this.#expression, name });
    try {
      return script.runInContext(world, { timeout: limitMs }) === true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error;
      this.#isTooSlow = true;
      throw tooSlow();
    }
  }
}

function tooSlow(): Error {
  return new Error(`its regular expression takes more than ${limitMs / 1000} s for one name`);
}
