// The gates: checks of the tree itself that must find nothing. Each is a program that ends with 0 when all is well.
import { spawn } from "node:child_process";
import { join } from "node:path";

interface Gate {
  readonly name: string;
  readonly command: readonly string[];
}

export interface GateResult {
  readonly name: string;
  readonly passed: boolean;
  readonly output: string;
  readonly durationMs: number;
}

const root = join(import.meta.dirname, "..");
const tool = (name: string): string => join(root, "node_modules", ".bin", name);

/** Two lanes of about equal length, for two cores. */
const lanes: readonly (readonly Gate[])[] = [
  [
    {
      name: "types",
      command: [tool("tsc"), "--noEmit", "--incremental", "--tsBuildInfoFile", "node_modules/.cache/types.tsbuildinfo"],
    },
  ],
  [
    {
      name: "lint and format",
      command: [
        tool("biome"),
        "check",
        "--config-path=.ci/lint-and-format.json",
        "--error-on-warnings",
        "--diagnostic-level=warn",
      ],
    },
    { name: "layers", command: [process.execPath, ".ci/check-layers.ts"] },
    { name: "dead code", command: [tool("knip"), "--no-config-hints"] },
  ],
];

/** Runs all gates and says of each, as it ends, how it went. */
export async function runGates(onResult: (result: GateResult) => void): Promise<void> {
  await Promise.all(
    lanes.map(async (lane) => {
      for (const gate of lane) onResult(await runGate(gate));
    }),
  );
}

async function runGate({ name, command }: Gate): Promise<GateResult> {
  const startedAt = performance.now();
  const [program = "", ...args] = command;
  const child = spawn(program, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once("error", reject).once("close", resolve);
  const code = await promise;
  return { name, passed: code === 0, output, durationMs: performance.now() - startedAt };
}
