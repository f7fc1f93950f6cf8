// Patterns as Velero takes them in lists of names and in resource modifiers: * ** ? [abc] [!abc] {one,two}.

const special = /[*?[{]/;

export function isGlobPattern(text: string): boolean {
  return special.test(text);
}

/**
 * @param separator a character that * and ? do not cross; ** does. Absent: they cross everything.
 * @throws Error when a bracket is not closed
 */
export function globPattern(pattern: string, separator = ""): RegExp {
  const one = separator === "" ? "." : `[^${separator}]`;
  let source = "";
  let depth = 0;
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern.charAt(at);
    if (character === "*") {
      const isDouble = pattern.charAt(at + 1) === "*";
      if (isDouble) at += 1;
      source += isDouble ? ".*" : `${one}*`;
    } else if (character === "?") source += one;
    else if (character === "[") {
      const end = pattern.indexOf("]", at + 2);
      if (end < 0) throw new Error(`pattern "${pattern}" has a [ without a ]`);
      source += characterClass(pattern.slice(at + 1, end));
      at = end;
    } else if (character === "{") {
      depth += 1;
      source += "(?:";
    } else if (character === "}" && depth > 0) {
      depth -= 1;
      source += ")";
    } else if (character === "," && depth > 0) source += "|";
    else if (character === "\\") source += RegExp.escape(pattern.charAt(++at));
    else source += RegExp.escape(character);
  }
  if (depth > 0) throw new Error(`pattern "${pattern}" has a { without a }`);
  return new RegExp(`^${source}$`, "s");
}

function characterClass(inside: string): string {
  const isNegated = inside.startsWith("!");
  const characters = (isNegated ? inside.slice(1) : inside).replaceAll(/[\\\]^[]/g, "\\$&");
  return `[${isNegated ? "^" : ""}${characters}]`;
}
