// Holds the import graph against .ci/layers.mjs: prints each breach with the reason of its rule. It also demands that
// every source file was looked at, because a parser that quietly sees nothing would find no breach either.
// Usage: check-layers.ts [folder of a tree, default the working directory]
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { cruise, type ICruiseResult } from "dependency-cruiser";
import layers from "./layers.mjs";

export interface LayerReport {
  readonly breaches: readonly LayerBreach[];
  readonly fileCount: number;
  /** Source files that the parser passed over. */
  readonly unseen: readonly string[];
}

export interface LayerBreach {
  readonly rule: string;
  readonly from: string;
  /** For a cycle all its files. */
  readonly to: string;
  readonly reason: string;
}

const roots = ["repo-format", "agent", "src", "test", "bench"];

export async function checkLayers(baseDir: string): Promise<LayerReport> {
  const present = readdirSync(baseDir).filter((name) => roots.includes(name));
  const { options, ...ruleSet } = layers;
  const { output } = await cruise(present, { ...options, baseDir, validate: true, ruleSet: { ...ruleSet } as object });
  const { modules, summary } = output as ICruiseResult;
  const seen = new Set(modules.map((module) => module.source));
  const expected = present.flatMap((root) => sourceFiles(baseDir, root));
  const reasons = new Map(layers.forbidden.map((rule) => [rule.name, rule.comment]));
  return {
    breaches: summary.violations.map(({ rule, from, to, cycle }) => ({
      rule: rule.name,
      from,
      to: cycle?.map((step) => step.name).join(" → ") ?? to,
      reason: reasons.get(rule.name) ?? "",
    })),
    fileCount: expected.length,
    unseen: expected.filter((file) => !seen.has(file)),
  };
}

function sourceFiles(baseDir: string, root: string): string[] {
  const names = readdirSync(join(baseDir, root), { recursive: true, encoding: "utf8" });
  return names.map((name) => join(root, name)).filter((file) => file.endsWith(".ts"));
}

async function main(): Promise<void> {
  const { breaches, fileCount, unseen } = await checkLayers(process.argv[2] ?? process.cwd());
  for (const { rule, from, to, reason } of breaches) console.error(`${rule}: ${from} → ${to}\n  ${reason}`);
  if (unseen.length > 0) console.error(`not looked at: ${unseen.slice(0, 5).join(", ")} (${unseen.length} files)`);
  console.log(`layers: ${fileCount - unseen.length} files, ${breaches.length} breaches`);
  process.exitCode = breaches.length > 0 || unseen.length > 0 || fileCount === 0 ? 1 : 0;
}

if (import.meta.main) await main();
