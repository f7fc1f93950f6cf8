// Words as the parser of restic's and velero's flags takes them and ours does not: --flag=true, --verbose=2, -n=5, and flags
// for true or false that stand alone.
import type { Command, Option } from "commander";

/** The same words in the one form that our parser knows; what stands behind "--" stays as it is. */
export function plainWords(words: readonly string[], program: Command): string[] {
  const options = allOptions(program);
  const switches = new Set(options.filter(isSwitch).map(({ long }) => long));
  for (const option of options) if (!isSwitch(option)) switches.delete(option.long);
  const choices = new Set(options.filter(isChoice).map(({ long }) => long));
  const end = words.indexOf("--");
  const flags = end === -1 ? words : words.slice(0, end);
  const rest = end === -1 ? [] : words.slice(end);
  const plain = joinChoices(flags, choices).flatMap((word) => plainWord(word, switches));
  return [...plain, ...rest];
}

function plainWord(word: string, switches: ReadonlySet<string | undefined>): string[] {
  const level = /^(?:--verbose|-v)=([0-9])$/.exec(word)?.[1];
  if (level !== undefined) return Array.from({ length: Number(level) }, () => "--verbose");
  const long = /^(--[a-z-]+)=(true|false|t|f|1|0)$/i.exec(word);
  if (long !== null && switches.has(long[1])) return /^[t1]/i.test(long[2] ?? "") ? [long[1] ?? ""] : [];
  const short = /^(-[A-Za-z])=(.*)$/s.exec(word);
  return short === null ? [word] : [short[1] ?? "", short[2] ?? ""];
}

/** It takes no value; commander's own word for it leaves out --no-… */
function isSwitch(option: Option): boolean {
  return option.isBoolean() || option.negate;
}

/** "--flag", "--flag true" and "--flag=true" are the same for flags that may stand alone. */
function joinChoices(words: readonly string[], choices: ReadonlySet<string | undefined>): string[] {
  const joined: string[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index] as string;
    const value = words[index + 1];
    const hasValue = choices.has(word) && (value === "true" || value === "false");
    if (hasValue) index++;
    joined.push(choices.has(word) ? `${word}=${hasValue ? value : "true"}` : word);
  }
  return joined;
}

/** It says true or false, and may stand alone. */
function isChoice(option: Option): boolean {
  return option.flags.endsWith("<true|false>");
}

function allOptions(command: Command): Option[] {
  return [...command.options, ...command.commands.flatMap(allOptions)];
}
