// Plays the console blocks of a page as its reader would, one shell command after the other, and holds what is printed against
// what the page shows.
//
// In a block ```console a line `$ command` is typed (a line that ends with a backslash goes on in the next); what follows is what
// it prints, where `…` stands for any text, and a line that is nothing but `…` for any lines. Columns may be as wide as they
// like. A block of another kind is not played.
import { runProcess } from "./processes.ts";

export interface PageStep {
  /** Line of the page, from 1. */
  readonly line: number;
  readonly command: string;
  readonly expected: readonly string[];
}

export interface PlayOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Told of each command and what it printed, when it has ended. */
  readonly onStep?: (command: string, printed: string) => void;
}

/** @throws Error for a block that begins with output */
export function readSteps(page: string): PageStep[] {
  const steps: (PageStep & { expected: string[] })[] = [];
  let isInside = false;
  let isContinued = false;
  for (const [index, text] of page.split("\n").entries()) {
    const line = index + 1;
    if (text.startsWith("```")) {
      isInside = !isInside && text === "```console";
      continue;
    }
    const last = steps.at(-1);
    if (!isInside) continue;
    if (isContinued && last !== undefined) steps[steps.length - 1] = { ...last, command: `${last.command}\n${text}` };
    else if (text.startsWith("$ ")) steps.push({ line, command: text.slice(2), expected: [] });
    else if (last === undefined) throw new Error(`line ${line}: output without a command: ${text}`);
    else last.expected.push(text);
    isContinued = (isContinued || text.startsWith("$ ")) && text.endsWith("\\");
  }
  return steps;
}

/** @throws Error with command, what was expected and what was printed, for the first step that does not go as shown */
export async function playSteps(steps: readonly PageStep[], { cwd, env, onStep }: PlayOptions): Promise<void> {
  for (const { line, command, expected } of steps) {
    const { code, stdout, stderr } = await runProcess("bash", { args: ["-c", command], cwd, env });
    const printed = (stdout + stderr).trimEnd();
    onStep?.(command, printed);
    const isAsShown = code === 0 && matches(expected, printed === "" ? [] : printed.split("\n"));
    if (isAsShown) continue;
    const shown = expected.join("\n");
    throw new Error(`line ${line}: ${command}\nended with ${code}; the page shows\n${shown}\nprinted was\n${printed}`);
  }
}

/** Whether the printed lines are what the page shows. */
export function matches(expected: readonly string[], printed: readonly string[]): boolean {
  const [first, ...rest] = expected;
  if (first === undefined) return printed.length === 0;
  if (first.trim() === "…") return printed.some((_, at) => matches(rest, printed.slice(at))) || matches(rest, []);
  const [line, ...others] = printed;
  return line !== undefined && lineMatches(first, line) && matches(rest, others);
}

function lineMatches(expected: string, printed: string): boolean {
  const parts = squeezed(expected)
    .split("…")
    .map((part) => RegExp.escape(part));
  return new RegExp(`^${parts.join(".*")}$`).test(squeezed(printed));
}

function squeezed(text: string): string {
  return text.trim().replaceAll(/\s+/g, " ");
}
