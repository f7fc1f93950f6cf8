// What the quickstart says: numbered steps with their time, and the lines of the programs that it runs.

let step = 0;

/** A heading; everything until the next one belongs to it. */
export function heading(text: string): void {
  step++;
  process.stdout.write(`\n== ${step}. ${text}\n`);
}

/** One line below the heading. */
export function say(text: string): void {
  for (const line of text.replace(/\n+$/, "").split("\n")) process.stdout.write(`   ${line}\n`);
}

/** Runs a part and says how long it took. */
export async function timed<T>(what: string, part: () => Promise<T>): Promise<T> {
  const startMs = performance.now();
  const result = await part();
  say(`${what}: ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
  return result;
}
