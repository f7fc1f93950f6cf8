// Keeps secrets out of everything that is printed: values that were registered as secret, fields with a telling name,
// and user information inside URLs.

/** A set of values that must never be printed. One for the process; every Secret that is read goes in. */
export class SecretValues {
  readonly #values = new Set<string>();
  #pattern: RegExp | undefined;

  /** Values shorter than six characters are left out: they would blot out ordinary words. */
  add(value: string): void {
    const trimmed = value.trim();
    if (trimmed.length < 6 || this.#values.has(trimmed)) return;
    this.#values.add(trimmed);
    this.#pattern = undefined;
  }

  /** The text without registered values and without passwords in URLs. */
  redact(text: string): string {
    // Not beginning with the scheme: looking for one from every letter of a long word takes time by its square.
    const withoutUserInfo = text.replace(/:\/\/[^\s/@"']+@/g, "://[redacted]@");
    if (this.#values.size === 0) return withoutUserInfo;
    this.#pattern ??= new RegExp([...this.#values].flatMap(spellings).map(escapeForRegExp).join("|"), "g");
    return withoutUserInfo.replace(this.#pattern, "[redacted]");
  }
}

/** A value may appear as it is or inside a JSON string. */
function spellings(value: string): string[] {
  const inJson = JSON.stringify(value).slice(1, -1);
  return inJson === value ? [value] : [inJson, value];
}

function escapeForRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
