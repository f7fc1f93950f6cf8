// Holds the import graph against .ci/layers.mjs: prints each breach with the reason of its rule. It also demands that
// every source file was looked at, because a parser that quietly sees nothing would find no breach either.
// Usage: check-layers.mjs [folder of a tree, default the working directory]
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { cruise } from "dependency-cruiser";
import layers from "./layers.mjs";

const roots = ["repo-format", "agent", "src", "test", "bench"];

/** @returns {Promise<{breaches: {rule: string, from: string, to: string, reason: string}[], fileCount: number, unseen: string[]}>} */
export async function checkLayers(baseDir) {
  const present = readdirSync(baseDir).filter((name) => roots.includes(name));
  const { options, ...ruleSet } = layers;
  const { output } = await cruise(present, { ...options, baseDir, validate: true, ruleSet });
  const seen = new Set(output.modules.map((module) => module.source));
  const expected = present.flatMap((root) => sourceFiles(baseDir, root));
  const reasons = new Map(layers.forbidden.map((rule) => [rule.name, rule.comment]));
  return {
    breaches: output.summary.violations.map(({ rule, from, to, cycle }) => ({
      rule: rule.name,
      from,
      to: cycle === undefined ? to : cycle.map((step) => step.name).join(" → "),
      reason: reasons.get(rule.name) ?? "",
    })),
    fileCount: expected.length,
    unseen: expected.filter((file) => !seen.has(file)),
  };
}

function sourceFiles(baseDir, root) {
  const names = readdirSync(join(baseDir, root), { recursive: true, encoding: "utf8" });
  const files = names.map((name) => join(root, name));
  return files.filter((file) => file.endsWith(".ts") && !file.startsWith("test/architecture/fixtures/"));
}

async function main() {
  const { breaches, fileCount, unseen } = await checkLayers(process.argv[2] ?? process.cwd());
  for (const { rule, from, to, reason } of breaches) console.error(`${rule}: ${from} → ${to}\n  ${reason}`);
  if (unseen.length > 0)
    console.error(`not looked at: ${unseen.slice(0, 5).join(", ")} (${unseen.length} of ${fileCount})`);
  console.log(`layers: ${fileCount - unseen.length} files, ${breaches.length} breaches`);
  process.exitCode = breaches.length > 0 || unseen.length > 0 || fileCount === 0 ? 1 : 0;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main();
