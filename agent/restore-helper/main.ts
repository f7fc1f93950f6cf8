// `stowage restore-helper <restore-uid>`: the init container of a restored pod. Waits until every volume below /restores
// holds its done marker, shows how far the agent is, and ends with the reason when a volume has failed.

import { systemClock } from "../../src/platform/clock.ts";
import { explainError } from "../../src/platform/coded-error.ts";
import { ConfigError } from "../../src/platform/config-error.ts";
import { parseDuration } from "../../src/platform/duration.ts";
import { waitForVolumes } from "./wait-for-volumes.ts";

const usage = `stowage restore-helper: waits until the agent has restored this pod's volumes

Usage: stowage restore-helper <restore-uid> [flags]

  --timeout DURATION          give up after this time (default: wait as long as it takes)
  --restores-dir DIR          the directory with one mount per volume (default /restores)
  --termination-log FILE      also write the reason of a failure there (default /dev/termination-log)
`;

interface HelperConfig {
  readonly restoreUid: string;
  readonly timeoutMs: number | undefined;
  readonly restoresDir: string;
  readonly terminationLog: string;
}

/** @returns the exit status: 0 when all volumes are restored, 1 otherwise. */
export async function main(argv: readonly string[]): Promise<number> {
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  if (argv.includes("--help") || argv.includes("-h")) {
    say(usage.trimEnd());
    return 0;
  }
  let config: HelperConfig;
  try {
    config = readConfig(argv);
  } catch (error) {
    process.stderr.write(`${explainError(error)}\n`);
    return 1;
  }
  const stop = new AbortController();
  const onSignal = () => stop.abort(new Error("the container was asked to end"));
  process.once("SIGTERM", onSignal);
  process.once("SIGINT", onSignal);
  return await waitForVolumes({ ...config, clock: systemClock, say, signal: stop.signal });
}

function readConfig(argv: readonly string[]): HelperConfig {
  const words = [...argv];
  const positional: string[] = [];
  const flags: Record<string, string> = {
    "--restores-dir": "/restores",
    "--termination-log": "/dev/termination-log",
    "--timeout": "",
  };
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (!word.startsWith("-")) {
      positional.push(word);
      continue;
    }
    const [name = "", ...value] = word.split("=");
    if (!(name in flags)) throw new ConfigError("flag-unknown", `unknown flag ${name}`);
    flags[name] = value.length > 0 ? value.join("=") : (words.shift() ?? "");
  }
  const [restoreUid] = positional;
  if (restoreUid === undefined || positional.length > 1 || restoreUid === "" || restoreUid.includes("/")) {
    throw new ConfigError(
      "flag-invalid",
      `exactly one argument is needed, the restore's uid; got ${positional.length}`,
    );
  }
  return {
    restoreUid,
    timeoutMs: timeoutOf(flags["--timeout"] ?? ""),
    restoresDir: flags["--restores-dir"] ?? "",
    terminationLog: flags["--termination-log"] ?? "",
  };
}

function timeoutOf(text: string): number | undefined {
  if (text === "") return undefined;
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= 0) return ms === 0 ? undefined : ms;
  throw new ConfigError("flag-invalid", `--timeout must be a duration such as 30m, not ${JSON.stringify(text)}`);
}
