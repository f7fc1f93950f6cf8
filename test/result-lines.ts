// The reporter that each test file runs with: one line of JSON for each test that ended, read by run-file.ts.
import type { TestEvent } from "node:test/reporters";
import { inspect } from "node:util";

export interface ResultLine {
  /** "begun" is followed by another line for the same test, unless the process was ended meanwhile. */
  readonly outcome: "begun" | "passed" | "failed" | "skipped";
  /** The titles from the outermost suite to the test. */
  readonly title: string;
  readonly place: string;
  readonly error: string;
}

async function* resultLines(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const titles: string[] = [];
  for await (const event of events) {
    // Suites begin before their tests and end after them; only the beginning tells the titles around a test.
    if (event.type === "test:dequeue") yield lineOf("begun", event.data);
    if (event.type === "test:start") titles.length = event.data.nesting;
    if (event.type === "test:start") titles[event.data.nesting] = event.data.name;
    if (event.type !== "test:pass" && event.type !== "test:fail") continue;
    const { data } = event;
    const error = event.type === "test:fail" ? event.data.details.error : undefined;
    // A suite fails with its tests; what it says for itself is only of use when it broke outside of them.
    if (data.details.type === "suite" && (error === undefined || isSubtestFailure(error))) continue;
    const outcome = data.skip !== undefined || data.todo !== undefined ? "skipped" : error ? "failed" : "passed";
    const title = [...titles.slice(0, data.nesting), data.name].join(" › ");
    yield lineOf(outcome, { ...data, name: title }, error ? describe(error) : "");
  }
}

function lineOf(outcome: ResultLine["outcome"], test: TestPlace, error = ""): string {
  const line: ResultLine = { outcome, title: test.name, place: `${test.line}:${test.column}`, error };
  return `${JSON.stringify(line)}\n`;
}

interface TestPlace {
  readonly name: string;
  readonly line?: number;
  readonly column?: number;
}

function isSubtestFailure(error: Error): boolean {
  return (error as Error & { failureType?: string }).failureType === "subtestsFailed";
}

function describe(error: Error): string {
  return inspect(error.cause instanceof Error ? error.cause : error, { depth: 4 });
}

// biome-ignore lint/style/noDefaultExport: node:test takes a reporter from the default export
export default resultLines;
